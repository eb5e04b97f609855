// The environment in, what a person at a terminal has set in it out: for all programs, and for secrets of their own.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './config.js';
import { RuntimeError } from './runtime-error.js';

/** What a terminal's user has set for all programs: https://specifications.freedesktop.org/basedir-spec, https://no-color.org */
export function readTerminalConfig(env: Environment): { configHome: string; noColour: boolean } {
  const { XDG_CONFIG_HOME, NO_COLOR, TERM } = env;
  return { configHome: XDG_CONFIG_HOME || join(homedir(), '.config'), noColour: (NO_COLOR ?? '') !== '' || TERM === 'dumb' };
}

/** A variable that a user names for a secret of their own. Throws ENV_MISSING. */
export function readSecretVariable(name: string, env: Environment): string {
  const value = env[name];
  if (value) return value;
  throw new RuntimeError('ENV_MISSING', `The environment variable ${name} is not set`, 'It is named as the place of a secret.');
}
