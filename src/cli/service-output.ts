// Lets a process that serves an operator's database write nothing but log lines, unless somebody reads along on a terminal.
import { adviceOn } from '../runtime/database-url/advice.js';
import { createPlainLog } from '../runtime/plain-log.js';
import type { Cli } from './command.js';
import { isKnown } from './explain.js';
import { written } from './terminal.js';

export interface ServiceOutput {
  /** Prints `text` for a person, or else logs `message` with `fields`. */
  announce(text: string, message: string, fields?: object): void;
  /** Reports a slow step of the start. */
  say(line: string): void;
}

/**
 * Returns the output of `serve`, `api` or `worker`. On a terminal or with the embedded Postgres, it is text for people. Otherwise it is
 * log lines, also for warnings of Node, errors that end the process, and a failed start.
 */
export async function openOutput(cli: Cli, app: string | undefined): Promise<ServiceOutput> {
  const { terminal, env } = cli;
  if (terminal.isTty || (app === undefined && !env.DATABASE_URL)) return { announce: (text) => terminal.say(text), say: terminal.say };
  const { readConfig } = await import('../runtime/config.js');
  const log = createPlainLog(levelIn(() => readConfig(env).logLevel));
  process.removeAllListeners('warning').on('warning', (warning) => log.warn({ err: warning }, 'a warning of Node.js'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an unexpected error ends this process');
    void written(process.stderr).then(() => process.exit(1));
  });
  cli.logFailure = (error) => {
    const { code, hint } = (error ?? {}) as { code?: unknown; hint?: unknown };
    const advice = hint ?? (error instanceof Error ? adviceOn(error) : null);
    // The message of a known error says what to do; any other error is logged with its stack.
    const cause = isKnown(error) ? { reason: (error as Error).message } : { err: error };
    log.fatal({ code, ...cause, ...(advice != null && { hint: advice }) }, 'the process could not start');
  };
  return {
    announce: (_text, message, fields = {}) => log.info(fields, message),
    say: (step) => log.info({ step }, 'preparing'),
  };
}

/** Returns the configured level; `info` when the configuration is invalid, so that this error is logged. */
function levelIn<Level extends string>(read: () => Level): Level | 'info' {
  try {
    return read();
  } catch {
    return 'info';
  }
}
