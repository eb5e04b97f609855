// Turns options, or a YAML or JSON file, into the API's input for a subscription, and checks it against the API's
// schema.
import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { coerceInputValue, type GraphQLSchema, isInputType } from 'graphql';
import { type Document, parseAllDocuments, visit } from 'yaml';
import type { Environment } from '../runtime/config.js';
import { ExactNumber, toExact } from '../runtime/exact-json.mjs';
import { RuntimeError } from '../runtime/runtime-error.js';
import { readSecretVariable } from '../runtime/terminal-config.js';
import { replaceReferences } from './references.js';

export type Input = Record<string, unknown>;

/** Resolves an option's value: `@file` is read from the file, `@-` from stdin; a leading `@@` stands for one `@`. */
export async function readText(text: string, readStdin: () => Promise<string>): Promise<string> {
  if (text === '@-') return readStdin();
  if (text.startsWith('@@') || !text.startsWith('@')) return text.replace(/^@@/, '@');
  return readWritten(resolve(text.slice(1)));
}

/**
 * Resolves the value of a secret option, which may be `env:NAME`, `@file` or `@-`, so that the secret doesn't appear in
 * the process list.
 */
export async function readSecret(text: string, env: Environment, readStdin: () => Promise<string>): Promise<string> {
  if (text.startsWith('env:')) return readSecretVariable(text.slice(4), env);
  return text.startsWith('@') ? (await readText(text, readStdin)).trim() : text;
}

/** Maximum length of a file, in characters; the API takes no larger request. */
const MAX_FILE = 1024 * 1024;

export async function readWritten(path: string): Promise<string> {
  let text = '';
  try {
    for await (const chunk of createReadStream(path, 'utf8')) {
      text += chunk;
      if (text.length > MAX_FILE) break;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new RuntimeError(
      'FILE_UNREADABLE',
      `Reading ${path} failed: ${code === 'ENOENT' ? 'the file does not exist' : code}`,
      undefined,
      {
        cause,
      },
    );
  }
  if (text.length > MAX_FILE) throw new RuntimeError('FILE_INVALID', `${path} has more than ${MAX_FILE} characters, which is the limit`);
  return text;
}

/**
 * Converts a document to values, keeping all digits of its numbers.
 * @throws Error when an alias is inside its own anchor, or when aliases multiply (at `yaml`'s limit of 100)
 */
export function plainOf(document: Document.Parsed): unknown {
  visit(document, {
    Alias(_key, alias, ancestors) {
      const isInside = (ancestors as readonly { anchor?: string }[]).some(({ anchor }) => anchor === alias.source);
      if (isInside) throw new Error(`The alias *${alias.source} is inside what it stands for.`);
    },
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'number' && scalar.source && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(scalar.source))
        scalar.value = toExact(scalar.source);
    },
  });
  return document.toJS();
}

/** The contents of a file that `{ fromFile: path }` names. It contains no references. */
class FileText {
  constructor(readonly text: string) {}
}

/** Replaces `{ fromFile: path }`, relative to the file, by the contents of that file. */
export async function readFileReferences(value: unknown, file: string): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => readFileReferences(item, file)));
  if (value === null || typeof value !== 'object' || value instanceof ExactNumber) return value;
  const entries = Object.entries(value);
  const [[key, target] = []] = entries;
  if (entries.length === 1 && key === 'fromFile' && typeof target === 'string')
    return new FileText(await readWritten(resolve(dirname(file), target)));
  return Object.fromEntries(await Promise.all(entries.map(async ([name, item]) => [name, await readFileReferences(item, file)])));
}

/**
 * Resolves `{ fromEnv: NAME }`, and `${env:NAME}` in any text, of a value that readFileReferences() returned.
 * @param use returns what stands for a variable
 */
export function resolveVariables(value: unknown, use: (variable: string) => string): unknown {
  if (typeof value === 'string') return replaceReferences(value, use);
  if (value instanceof FileText) return value.text;
  if (Array.isArray(value)) return value.map((item) => resolveVariables(item, use));
  if (value === null || typeof value !== 'object' || value instanceof ExactNumber) return value;
  const entries = Object.entries(value);
  const [[key, target] = []] = entries;
  if (entries.length === 1 && key === 'fromEnv' && typeof target === 'string') return use(target);
  return Object.fromEntries(entries.map(([name, item]) => [name, resolveVariables(item, use)]));
}

export interface InputMistake {
  path: readonly (string | number)[];
  message: string;
}

/** Returns every unknown field (with the likely intended name) and every value of a wrong type. */
export function mistakesIn(schema: GraphQLSchema, input: Input): InputMistake[] {
  const type = schema.getType('WebhookSubscriptionInput');
  if (!isInputType(type)) throw new RuntimeError('API_UNUSABLE', 'The API has no type WebhookSubscriptionInput');
  const mistakes: InputMistake[] = [];
  coerceInputValue(input, type, (path, _value, { message }) => mistakes.push({ path, message }));
  return mistakes;
}

/**
 * Returns the input if it matches the API's schema.
 * @param where the file or `options` that the input comes from; each message begins with it
 * @throws RuntimeError `INPUT_INVALID` with every mistake
 */
export function checkInput(schema: GraphQLSchema, input: Input, where: string): Input {
  const mistakes = mistakesIn(schema, input).map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`);
  if (mistakes.length > 0) throw new RuntimeError('INPUT_INVALID', mistakes.join('\n'));
  return input;
}

/** Applies `a.b=value` to the input; the value is parsed as YAML. */
export function assign(input: Input, assignment: string): void {
  const [, path = '', text = ''] = /^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)=(.*)$/s.exec(assignment) ?? [];
  if (path === '')
    throw new RuntimeError(
      'INPUT_INVALID',
      `--set ${JSON.stringify(assignment)} is not a field and a value`,
      'Write it like --set retry.maxTries=3',
    );
  const [document] = parseAllDocuments(text);
  const value = document && 'toJS' in document ? plainOf(document as Document.Parsed) : null;
  const names = path.split('.');
  let target = input;
  for (const name of names.slice(0, -1)) {
    target[name] = typeof target[name] === 'object' && target[name] !== null ? target[name] : {};
    target = target[name] as Input;
  }
  target[names.at(-1) as string] = value;
}

/** Parses `user/created` or `user/created@1.1`. */
export function topicOf(text: string): { key: string; version?: string } {
  const [key = '', version] = text.split('@');
  return version === undefined ? { key } : { key, version };
}

/** Returns one input for each topic. With several topics, or a list in a file, appends the topic to the name: `Name: user/created`. */
export function eachTopic({ topics, ...input }: Input, keys: string[] = Array.isArray(topics) ? topics.map(String) : []): Input[] {
  const withTopic = typeof input.topic === 'string' ? { ...input, topic: topicOf(input.topic) } : input;
  const [only] = keys;
  if (only === undefined) return [withTopic];
  // A list of topics in a file always appends the topic, so that names stay the same when another topic is added.
  if (keys.length === 1 && !Array.isArray(topics)) return [{ ...input, topic: topicOf(only) }];
  return keys.map((key) => ({ ...input, ...(input.name != null && { name: `${input.name}: ${topicOf(key).key}` }), topic: topicOf(key) }));
}
