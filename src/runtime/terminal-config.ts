// Reads environment variables that a terminal's user has set: for all programs, or for secrets.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './config.js';
import { RuntimeError } from './runtime-error.js';

/** XDG_CONFIG_HOME as in https://specifications.freedesktop.org/basedir-spec, NO_COLOR as in https://no-color.org. */
export function readTerminalConfig(env: Environment): { configHome: string; noColour: boolean } {
  const { XDG_CONFIG_HOME, NO_COLOR, TERM } = env;
  return { configHome: XDG_CONFIG_HOME || join(homedir(), '.config'), noColour: (NO_COLOR ?? '') !== '' || TERM === 'dumb' };
}

/** Reads a variable that the user has named as the place of a secret. @throws RuntimeError `ENV_MISSING` */
export function readSecretVariable(name: string, env: Environment): string {
  const value = env[name];
  if (value) return value;
  throw new RuntimeError(
    'ENV_MISSING',
    `The environment variable ${name} is not set`,
    'A secret is read from this variable; set it and run the command again.',
  );
}
