// Reads the environment into the typed configuration. No other file reads `process.env`.

import type { Variable } from './config-texts.js';
import { type Config, VARIABLES } from './config-variables.js';
import { RuntimeError } from './runtime-error.js';

export type { Config } from './config-variables.js';

export type Environment = Record<string, string | undefined>;

type Variables = Readonly<Record<string, Variable<unknown>>>;

/** Reads the configuration. @throws RuntimeError `BAD_CONFIG`, which names each wrong variable and its value */
export function readConfig(env: Environment = process.env): Config {
  return readVariables(VARIABLES, env) as unknown as Config;
}

/**
 * Returns the values of `variables`, under the same keys. @throws RuntimeError `BAD_CONFIG`, which names each wrong variable
 * and its value
 */
export function readVariables(variables: Variables, env: Environment = process.env): Record<string, unknown> {
  const texts = readTexts(variables, env);
  const mistakes: { sentence: string; isGiven: boolean }[] = [];
  const entries = Object.entries(variables).map(([key, variable]) => {
    const { name, parse, secret } = variable;
    const text = texts[name] as string | null;
    if (text === null) return [key, null];
    const { success, data, error } = parse.safeParse(text);
    const sentence = `${name} is ${secret ? '(a secret)' : JSON.stringify(text)}, but it ${error?.issues[0]?.message}`;
    if (!success) mistakes.push({ sentence, isGiven: isSet(env, variable) });
    return [key, data];
  });
  // A wrong default that is derived from another wrong value isn't reported separately.
  const given = mistakes.filter(({ isGiven }) => isGiven);
  const sentences = (given.length > 0 ? given : mistakes).map(({ sentence }) => sentence);
  if (sentences.length > 0)
    throw new RuntimeError('BAD_CONFIG', sentences.join('\n'), '`hookgraph config` prints every variable with its meaning.');
  return Object.fromEntries(entries);
}

function readTexts(variables: Variables, env: Environment): Record<string, string | null> {
  const texts: Record<string, string | null> = {};
  for (const variable of Object.values(variables)) {
    const { name, fallback } = variable;
    texts[name] = isSet(env, variable) ? (env[name] as string) : typeof fallback === 'function' ? fallback(texts) : fallback;
  }
  return texts;
}

function isSet(env: Environment, { name, emptyCounts }: Pick<Variable<unknown>, 'name' | 'emptyCounts'>): boolean {
  return env[name] !== undefined && (env[name] !== '' || emptyCounts === true);
}

/** Whether the environment sets the variable of this key. */
export const isConfigured = (key: keyof typeof VARIABLES, env: Environment = process.env): boolean => isSet(env, VARIABLES[key]);

export interface ConfigLine {
  name: string;
  value: string;
  source: 'environment' | 'default';
  meaning: string;
}

/** Lists every variable with its effective value for display; hides the values of secrets. */
export const describeConfig = (env: Environment = process.env): ConfigLine[] => describeVariables(VARIABLES, env);

export function describeVariables(variables: Variables, env: Environment = process.env): ConfigLine[] {
  const texts = readTexts(variables, env);
  return Object.values(variables).map((variable) => {
    const { name, meaning, secret } = variable;
    const text = texts[name] as string | null;
    const value = text === null ? '(not set)' : text === '' ? '(none)' : secret ? '(secret)' : text;
    return { name, value, source: isSet(env, variable) ? 'environment' : 'default', meaning };
  });
}
