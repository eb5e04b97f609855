// Collects the lines of a real logger, to be read by tests.
import { pino } from 'pino';
import type { Level, Logger } from '../../src/runtime/logger.js';

export interface LogLine {
  level: number;
  msg: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the fields of many kinds of lines
  [field: string]: any;
}

/** Returns a logger that keeps its lines in `lines`; `named` returns the lines with this message. */
export function collectLines(level: Level = 'info'): { log: Logger; lines: LogLine[]; named(message: string): LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino({ level, base: undefined }, { write: (text: string) => void lines.push(JSON.parse(text)) });
  return { log, lines, named: (message) => lines.filter(({ msg }) => msg === message) };
}
