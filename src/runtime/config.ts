// Reads the environment into the typed configuration. No other file reads `process.env`.

import type { Variable } from './config-texts.js';
import { type Config, VARIABLES } from './config-variables.js';
import { RuntimeError } from './runtime-error.js';

export type { Config } from './config-variables.js';

export type Environment = Record<string, string | undefined>;

/** @throws RuntimeError `BAD_CONFIG`, which names the variable and its value */
export function readConfig(env: Environment = process.env): Config {
  const texts = readTexts(env);
  const entries = Object.entries(VARIABLES).map(([key, { name, parse, secret }]) => {
    const text = texts[name] as string | null;
    if (text === null) return [key, null];
    const { success, data, error } = parse.safeParse(text);
    if (success) return [key, data];
    const shown = secret ? '(a secret)' : JSON.stringify(text);
    throw new RuntimeError(
      'BAD_CONFIG',
      `${name} is ${shown}, but it ${error.issues[0]?.message}`,
      '`hookgraph config` prints every variable with its meaning.',
    );
  });
  return Object.fromEntries(entries) as Config;
}

function readTexts(env: Environment): Record<string, string | null> {
  const texts: Record<string, string | null> = {};
  for (const { name, fallback } of Object.values(VARIABLES))
    texts[name] = isSet(env, name) ? (env[name] as string) : typeof fallback === 'function' ? fallback(texts) : fallback;
  return texts;
}

function isSet(env: Environment, name: string): boolean {
  const { emptyCounts } = Object.values(VARIABLES).find((variable) => variable.name === name) as Variable<unknown>;
  return env[name] !== undefined && (env[name] !== '' || emptyCounts === true);
}

export interface ConfigLine {
  name: string;
  value: string;
  source: 'environment' | 'default';
  meaning: string;
}

/** Lists every variable with its effective value for display; a secret is shown only as set or not set. */
export function describeConfig(env: Environment = process.env): ConfigLine[] {
  const texts = readTexts(env);
  return Object.values(VARIABLES).map(({ name, meaning, secret }) => {
    const text = texts[name] as string | null;
    const value = text === null ? '(not set)' : text === '' ? '(none)' : secret ? '(secret)' : text;
    return { name, value, source: isSet(env, name) ? 'environment' : 'default', meaning };
  });
}
