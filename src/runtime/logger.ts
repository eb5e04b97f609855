// Defines the logger interface that Hookgraph expects; pino's loggers implement it.

interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

export interface Logger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  fatal: LogMethod;
  child(fields: object): Logger;
}
