// Reads a folder of YAML files as subscriptions, one for each topic in a file. Adds the prefix in hookgraph.yaml to the
// subscriptions' names, and replaces references to files and environment variables by their contents.
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { GraphQLSchema } from 'graphql';
import type { Environment } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { checkInput, eachTopic, type Input, readDocuments, resolveReferences } from '../subscription-input.js';

/** The settings file, which defines the prefix of the folder's subscription names. */
export const SETTINGS = 'hookgraph.yaml';

export interface Desired {
  name: string;
  /** Path relative to the folder. */
  file: string;
  input: Input;
}

export interface Folder {
  /**
   * The prefix (before a slash) of the names of the folder's subscriptions; `--prune` deletes subscriptions with this prefix
   * that no file describes. `null`: the names have no prefix.
   */
  scope: string | null;
  desired: Desired[];
}

export async function readFolder(dir: string, schema: GraphQLSchema, env: Environment): Promise<Folder> {
  const files = await listFiles(dir);
  const scope = files.includes(SETTINGS) ? await readScope(join(dir, SETTINGS)) : null;
  const missing = new Set<string>();
  const readVariable = (name: string) => {
    if (!env[name]) missing.add(name);
    return env[name] ?? '';
  };
  const desired: Desired[] = [];
  for (const file of files.filter((one) => one !== SETTINGS)) {
    for (const written of (await readDocuments(join(dir, file))).flatMap(listed)) {
      const resolved = await resolveReferences(refuseUnnamed(written, file), join(dir, file), readVariable);
      for (const input of eachTopic(resolved as Input)) {
        checkInput(schema, input, file);
        const name = scope === null ? String(input.name) : `${scope}/${input.name}`;
        desired.push({ name, file, input: { ...input, name } });
      }
    }
  }
  if (missing.size > 0)
    throw new RuntimeError(
      'ENV_MISSING',
      `These environment variables are not set: ${[...missing].join(', ')}`,
      `The files in ${dir} read secrets from these variables; set them and run the command again.`,
    );
  refuseDoubles(desired);
  return { scope, desired };
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

/** Reads the prefix in hookgraph.yaml. @throws RuntimeError `FILE_INVALID` for an unknown setting or an invalid scope */
export async function readScope(file: string): Promise<string | null> {
  const [settings = {}] = (await readDocuments(file)) as { scope?: unknown }[];
  const { scope = null, ...others } = settings as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown) throw new RuntimeError('FILE_INVALID', `${file}: ${unknown} is not a setting`, 'The only setting is `scope`.');
  if (scope === null || (typeof scope === 'string' && /^[^/\s][^/]*$/.test(scope))) return scope as string | null;
  throw new RuntimeError(
    'FILE_INVALID',
    `${file}: scope can't be ${JSON.stringify(scope)}`,
    'The scope must be a text without a slash that does not begin with a space.',
  );
}

function listed(document: unknown): unknown[] {
  if (Array.isArray(document)) return document;
  const { webhooks } = document as { webhooks?: unknown };
  return Array.isArray(webhooks) ? webhooks : [document];
}

function refuseUnnamed(written: unknown, file: string): unknown {
  const { name, topic, topics, preset, id, test } = (written ?? {}) as Input;
  if (typeof name !== 'string' || name.trim() === '')
    throw new RuntimeError(
      'FILE_INVALID',
      `${file}: a subscription has no name`,
      'Give each subscription a unique name, which identifies it.',
    );
  if (preset !== undefined)
    throw new RuntimeError(
      'FILE_INVALID',
      `${file}: ${name} names a preset`,
      'Files must contain all fields: create a subscription with --preset, and pull it.',
    );
  if (id !== undefined || test !== undefined)
    throw new RuntimeError(
      'FILE_INVALID',
      `${file}: ${name} has an id or test`,
      'Remove these fields: the name identifies the subscription, and `hookgraph trigger` sends tests.',
    );
  if (topics !== undefined && (!Array.isArray(topics) || topics.length === 0 || topics.some((one) => typeof one !== 'string')))
    throw new RuntimeError('FILE_INVALID', `${file}: topics of ${name} must be a list like [user/created, user/updated]`);
  if ((topic === undefined) === (topics === undefined))
    throw new RuntimeError('FILE_INVALID', `${file}: ${name} must have a topic, or a list of topics`);
  return written;
}

function refuseDoubles(desired: Desired[]): void {
  const files = new Map<string, string>();
  for (const { name, file } of desired) {
    const other = files.get(name);
    if (other) throw new RuntimeError('FILE_INVALID', `${file}: the subscription ${JSON.stringify(name)} is already in ${other}`);
    files.set(name, file);
  }
}
