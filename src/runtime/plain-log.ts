// Writes each log entry as one JSON line to stderr, for host applications that pass no logger.
import type { Level, Logger } from './logger.js';
import { roleField } from './process-role.js';
import { visibleJson } from './visible-text.js';

const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const;

/** Returns a logger with pino's methods. Entries below the level `least` are dropped; each other entry has the fields of `bound`. */
export function createPlainLog(
  least: Level | 'silent' = 'info',
  out: { write(line: string): unknown } = process.stderr,
  bound: object = {},
): Logger {
  const isLevelEnabled = (level: Level) => least !== 'silent' && LEVELS[level] >= LEVELS[least];
  const write = (level: Level) => (fields: object | string, message?: string) => {
    if (!isLevelEnabled(level)) return;
    const [known, text] = typeof fields === 'string' ? [{}, fields] : [fields, message];
    const entry = { level, time: new Date().toISOString(), ...roleField(), msg: text, ...bound, ...known };
    try {
      out.write(`${visibleJson(JSON.stringify(entry, describeError))}\n`);
    } catch {
      // A log entry that can't be written, e.g. to a full disk, must not end the work that it describes.
    }
  };
  const methods = Object.fromEntries((Object.keys(LEVELS) as Level[]).map((level) => [level, write(level)]));
  return {
    ...(methods as Record<Level, (fields: object | string, message?: string) => void>),
    child: (fields) => createPlainLog(least, out, { ...bound, ...fields }),
    isLevelEnabled,
  };
}

/** Copies an error's fields by name, because pg's errors contain a whole connection object. */
function describeError(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { type: name, message, stack, code: (value as { code?: unknown }).code, cause };
}
