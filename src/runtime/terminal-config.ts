// Reads environment variables that aren't Hookgraph's: XDG_CONFIG_HOME, NO_COLOR and TERM, and variables that a user
// names as the source of a secret.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './config.js';
import { RuntimeError } from './runtime-error.js';

/**
 * Reads XDG_CONFIG_HOME as https://specifications.freedesktop.org/basedir-spec defines it, and NO_COLOR as
 * https://no-color.org does.
 */
export function readTerminalConfig(env: Environment): { configHome: string; noColour: boolean } {
  const { XDG_CONFIG_HOME, NO_COLOR, TERM } = env;
  return { configHome: XDG_CONFIG_HOME || join(homedir(), '.config'), noColour: (NO_COLOR ?? '') !== '' || TERM === 'dumb' };
}

/** Reads a secret from the environment variable that the user has named. @throws RuntimeError `ENV_MISSING` */
export function readSecretVariable(name: string, env: Environment): string {
  const value = env[name];
  if (value) return value;
  throw new RuntimeError(
    'ENV_MISSING',
    `The environment variable ${name} is not set`,
    'A secret is read from this variable; set it and run the command again.',
  );
}
