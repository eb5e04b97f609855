// What Hookgraph asks of a log. pino's loggers have this shape; so may any other.

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
