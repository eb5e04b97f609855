// Defines the logger interface that Hookgraph expects; pino's loggers implement it.

interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Logger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  fatal: LogMethod;
  child(fields: object): Logger;
  /** Whether lines of this level are written. Lets callers skip building the other lines. Absent: every line is built. */
  isLevelEnabled?(level: Level): boolean;
}
