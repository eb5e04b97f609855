// Reads a folder of YAML files as subscriptions, one for each topic in a file. Adds the prefix in hookgraph.yaml to the
// subscriptions' names, and replaces references to files and environment variables by their contents.
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { GraphQLSchema } from 'graphql';
import type { Environment } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { hideValues, referenceTo } from '../references.js';
import { eachTopic, type Input, mistakesIn, readFileReferences, resolveVariables } from '../subscription-input.js';
import { type Path, type Position, readDocuments, type WrittenDocument } from '../written-document.js';

/** The settings file, which defines the prefix of the folder's subscription names. */
export const SETTINGS = 'hookgraph.yaml';

export interface Desired {
  name: string;
  /** Path relative to the folder. */
  file: string;
  /** The input with the values of variables; `UNSET` in place of a variable that isn't set. */
  input: Input;
  /** The input with references in place of the values of variables, for printing. */
  shown: Input;
  /** The fields that read variables which aren't set. */
  unset: ReadonlySet<string>;
  /** Returns file, line and column of a field, or of a position in its text. */
  placeOf(field: string, inside?: Position): string;
}

export interface Folder {
  /**
   * The prefix (before a slash) of the names of the folder's subscriptions; `--prune` deletes subscriptions with this prefix
   * that no file describes. `null`: the names have no prefix.
   */
  scope: string | null;
  desired: Desired[];
  /** The variables that the files read, with their values. */
  variables: ReadonlyMap<string, string>;
  /** The variables that the files read and that aren't set. */
  unset: readonly string[];
}

/** The value of a variable that isn't set, in an input that is previewed and never saved. */
const UNSET = 'unset-variable';

/** @throws RuntimeError with file, line and column for a mistake in the files */
export async function readFolder(dir: string, schema: GraphQLSchema, env: Environment): Promise<Folder> {
  const files = await listFiles(dir);
  const scope = files.includes(SETTINGS) ? await readScope(join(dir, SETTINGS)) : null;
  const variables = new Map<string, string>();
  const unset = new Set<string>();
  const desired: Desired[] = [];
  for (const file of files.filter((one) => one !== SETTINGS))
    for (const document of await readDocuments(join(dir, file)))
      for (const { value, path } of listed(document.value)) {
        refuseUnnamed(value, (field) => document.placeOf([...path, ...(field ? [field] : [])]));
        const read = await readVariables((await readFileReferences(value, join(dir, file))) as Input, env);
        for (const [name, text] of read.variables) variables.set(name, text);
        for (const names of read.unset.values()) for (const name of names) unset.add(name);
        refuseUnsetNames(read.unset, (field) => document.placeOf([...path, field]));
        const shown = eachTopic(read.shown);
        for (const [at, input] of eachTopic(read.input).entries()) {
          refuseMistakes(schema, input, { document, path, variables });
          const named = (one: Input) => (scope === null ? String(one.name) : `${scope}/${one.name}`);
          desired.push({
            name: named(input),
            file,
            input: { ...input, name: named(input) },
            shown: { ...shown[at], name: named(shown[at] as Input) },
            unset: new Set(read.unset.keys()),
            placeOf: (field, inside) => document.placeOf([...path, field], inside),
          });
        }
      }
  refuseDoubles(desired);
  return { scope, desired, variables, unset: [...unset] };
}

/** Returns the fields twice: with the values of variables (`input`), and with references to them for printing (`shown`). */
async function readVariables(written: Input, env: Environment) {
  const input: Input = {};
  const shown: Input = {};
  const variables = new Map<string, string>();
  const unset = new Map<string, string[]>();
  for (const [field, value] of Object.entries(written)) {
    shown[field] = resolveVariables(value, referenceTo);
    input[field] = resolveVariables(value, (name) => {
      const text = env[name];
      if (text) variables.set(name, text);
      else unset.set(field, [...(unset.get(field) ?? []), name]);
      return text || UNSET;
    });
  }
  return { input, shown, variables, unset };
}

/** Refuses a name or topic that reads a variable which isn't set: without them, no subscription can be compared. */
function refuseUnsetNames(unset: ReadonlyMap<string, string[]>, placeOf: (field: string) => string): void {
  for (const field of ['name', 'topic', 'topics']) {
    const names = unset.get(field);
    if (names) throw envMissing(names, `${placeOf(field)} reads the ${field} of a subscription from it; set it and run the command again.`);
  }
}

export const envMissing = (names: readonly string[], hint: string): RuntimeError =>
  new RuntimeError('ENV_MISSING', `These environment variables are not set: ${names.join(', ')}`, hint);

interface Where {
  document: WrittenDocument;
  path: Path;
  variables: ReadonlyMap<string, string>;
}

function refuseMistakes(schema: GraphQLSchema, input: Input, { document, path, variables }: Where): void {
  const lines = mistakesIn(schema, input).map((mistake) => {
    const unknown = /^Field "(\w+)" is not defined/.exec(mistake.message)?.[1];
    const place = document.placeOf([...path, ...mistake.path, ...(unknown ? [unknown] : [])]);
    return `${place}: ${mistake.path.length > 0 ? `${mistake.path.join('.')}: ` : ''}${hideValues(mistake.message, variables)}`;
  });
  if (lines.length > 0) throw new RuntimeError('INPUT_INVALID', [...new Set(lines)].join('\n'));
}

async function listFiles(dir: string): Promise<string[]> {
  const isFolder = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new RuntimeError(
      'FILE_UNREADABLE',
      `The folder ${dir} does not exist`,
      '`hookgraph pull` creates a folder from your subscriptions.',
    );
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|\.[^/]*)\//.test(file))
    .sort();
}

/** Reads `scope`, the prefix of names, from hookgraph.yaml. @throws RuntimeError `FILE_INVALID` for an unknown setting or invalid scope */
export async function readScope(file: string): Promise<string | null> {
  const [document] = await readDocuments(file);
  const { scope = null, ...others } = (document?.value ?? {}) as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  const refuse = (field: string, why: string, hint: string) =>
    new RuntimeError('FILE_INVALID', `${document?.placeOf([field])}: ${why}`, hint);
  if (unknown) throw refuse(unknown, `${unknown} is not a setting`, 'The only setting is `scope`.');
  if (scope === null || (typeof scope === 'string' && /^[^/\s][^/\n]*$/.test(scope))) return scope as string | null;
  const hint = 'The scope must be a text without a slash that does not begin with a space.';
  throw refuse('scope', `scope can't be ${JSON.stringify(scope)}`, hint);
}

/** Returns the subscriptions of a document, each with its path in the document. */
function listed(value: unknown): { value: unknown; path: Path }[] {
  const each = (items: unknown[], ...path: string[]) => items.map((item, at) => ({ value: item, path: [...path, at] }));
  if (Array.isArray(value)) return each(value);
  const { webhooks } = value as { webhooks?: unknown };
  return Array.isArray(webhooks) ? each(webhooks, 'webhooks') : [{ value, path: [] }];
}

function refuseUnnamed(written: unknown, placeOf: (field?: string) => string): void {
  const { name, topic, topics, preset, id, test } = (written ?? {}) as Input;
  const refuse = (field: string, why: string, hint?: string) => new RuntimeError('FILE_INVALID', `${placeOf(field)}: ${why}`, hint);
  if (typeof name !== 'string' || name.trim() === '')
    throw refuse('name', 'a subscription has no name', 'Give each subscription a unique name, which identifies it.');
  if (preset !== undefined)
    throw refuse('preset', `${name} names a preset`, 'Files must contain all fields: create a subscription with --preset, and pull it.');
  if (id !== undefined || test !== undefined)
    throw refuse(
      id !== undefined ? 'id' : 'test',
      `${name} has an id or test`,
      'Remove these fields: the name identifies the subscription, and `hookgraph trigger` sends tests.',
    );
  if (topics !== undefined && (!Array.isArray(topics) || topics.length === 0 || topics.some((one) => typeof one !== 'string')))
    throw refuse('topics', `topics of ${name} must be a list like [user/created, user/updated]`);
  if ((topic === undefined) === (topics === undefined)) throw refuse('topic', `${name} must have a topic, or a list of topics`);
}

function refuseDoubles(desired: Desired[]): void {
  const places = new Map<string, string>();
  for (const { name, shown, placeOf } of desired) {
    const other = places.get(name);
    const place = placeOf('name');
    if (other) throw new RuntimeError('FILE_INVALID', `${place}: the subscription ${JSON.stringify(shown.name)} is already in ${other}`);
    places.set(name, place);
  }
}
