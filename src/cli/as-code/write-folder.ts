// Writes subscriptions to the files of a folder: YAML, with queries and templates in separate files, and secrets as
// references.
import { Document, stringify, visit } from 'yaml';
import { ExactNumber } from '../../runtime/exact-json.mjs';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { FIELDS, type Field } from '../../webhooks/fields.js';
import { escapeReferences } from '../references.js';
import type { Existing } from './compare.js';
import { SETTINGS } from './read-folder.js';

/** Maps each path (relative to the folder) to the file's text. */
export type Files = Map<string, string>;

/** Separates subscriptions with a unique name, which can be written to files, from the others. Files find subscriptions by name. */
export function writable(existing: readonly Existing[]): { named: Existing[]; others: Existing[] } {
  const isAlone = ({ name }: Existing) => name !== null && existing.filter((one) => one.name === name).length === 1;
  return { named: existing.filter(isAlone), others: existing.filter((one) => !isAlone(one)) };
}

/** Returns the files that describe subscriptions with unique names. `scope` is the prefix to remove from the names. */
export function writeFolder(existing: readonly Existing[], scope: string | null): Files {
  const files: Files = new Map();
  if (scope !== null)
    files.set(SETTINGS, `# In Hookgraph, the names of this folder's subscriptions begin with ${scope}/.\n${stringify({ scope })}`);
  for (const { name, topics, node } of grouped(existing, scope)) {
    const path = unused(files, slug(name));
    files.set(`${path}.yaml`, yamlOf(documentOf(node, { name, topics, path, files })));
  }
  return files;
}

function yamlOf(value: object): string {
  const document = new Document(value);
  visit(document, {
    Scalar(_key, scalar) {
      // Quotes a text that is only white space, because a YAML block would lose it.
      if (typeof scalar.value === 'string' && scalar.value.trim() === '') scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 120 });
}

interface Group {
  name: string;
  /** The topics of the merged subscriptions; `null` for a subscription that isn't merged, because its name doesn't end in its topic. */
  topics: string[] | null;
  node: Existing;
}

const topicOf = ({ topic }: Existing): string => {
  const { key, version } = topic as { key: string; version: string };
  return `${key}@${version}`;
};

/**
 * Merges subscriptions that differ only in their topic, such as `X: user/created` and `X: user/updated`, into one entry
 * with the name `X` and a list of topics.
 */
function grouped(existing: readonly Existing[], scope: string | null): Group[] {
  const groups = new Map<string, Group>();
  for (const node of existing) {
    const whole = String(node.name);
    const name = scope !== null && whole.startsWith(`${scope}/`) ? whole.slice(scope.length + 1) : whole;
    const suffix = `: ${(node.topic as { key: string }).key}`;
    const baseName = name.endsWith(suffix) ? name.slice(0, -suffix.length) : null;
    const key = JSON.stringify([baseName ?? `${name}\0`, { ...node, ...IGNORED }]);
    const known = baseName === null ? undefined : groups.get(key);
    if (known?.topics) known.topics.push(topicOf(node));
    else
      groups.set(baseName === null ? `${key}${groups.size}` : key, {
        name: baseName ?? name,
        topics: baseName === null ? null : [topicOf(node)],
        node,
      });
  }
  return [...groups.values()];
}

/** Fields that merging ignores: they differ between the merged subscriptions, or aren't written to files. */
const IGNORED = Object.fromEntries(
  'id databaseId name topic version status createdAt updatedAt createdBy publicKey disabledAt disabledReason disabledMessage heldReason secretRotation pace'
    .split(' ')
    .map((field) => [field, null]),
);

interface DocumentOptions {
  name: string;
  topics: string[] | null;
  /** The path of the files without their extensions. */
  path: string;
  files: Files;
}

function documentOf(node: Existing, { name, topics, path, files }: DocumentOptions): Record<string, unknown> {
  const secret = (end: string) => new Reference({ fromEnv: variable(name, end) });
  const inFile = (extension: string, text: string) => {
    const file = `${path}.${extension}`;
    files.set(file, text);
    return new Reference({ fromFile: file.split('/').at(-1) as string });
  };
  const fields = FIELDS.filter((field) => field.name !== 'name' && field.name !== 'topic');
  const written = fields.map((field) => [field.name, fileValueOf(field, node, { secret, inFile })]);
  return clean({ name, ...(topics ? { topics } : { topic: topicOf(node) }), ...Object.fromEntries(written) }) as Record<string, unknown>;
}

interface Writers {
  /** Returns a reference to the environment variable whose name ends in `end`. */
  secret(end: string): unknown;
  /** Writes a text to a separate file, and returns a reference to the file. */
  inFile(extension: string, text: string): unknown;
}

/**
 * Returns a field's value for the file; `null` when the file can omit the field. `parent` is the object that the API
 * returned.
 */
function fileValueOf(field: Field, parent: Readonly<Record<string, unknown>>, writers: Writers): unknown {
  const { name, type, output, secret, default: usual, file = {} } = field;
  if (file.write) return file.write(parent, writers.secret);
  if (secret) return file.shownBy && parent[file.shownBy] !== true ? null : writers.secret(file.variable ?? constantCase(name));
  const { name: returned = name } = output || {};
  const value = parent[returned];
  if (value == null || JSON.stringify(value) === JSON.stringify(usual)) return null;
  switch (type.kind) {
    case 'SOURCE':
      return writers.inFile(type.extension, String(value));
    case 'ID':
      return (value as { id: string }).id;
    case 'LIST': {
      const ids = type.of.kind === 'ID' ? (value as { id: string }[]).map(({ id }) => id) : (value as unknown[]);
      return ids.length > 0 ? ids : null;
    }
    case 'RECORD':
      return Object.fromEntries(
        type.fields
          .filter(({ input }) => input !== false)
          .map((inner) => [inner.name, fileValueOf(inner, value as Record<string, unknown>, writers)]),
      );
    default:
      return value;
  }
}

const constantCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** A reference that this file writes, as opposed to a text or object of the API that looks like one. */
class Reference {
  constructor(readonly written: { fromEnv: string } | { fromFile: string }) {}
}

/** Removes absent values, and escapes what the API answered so that reading the file finds no reference in it. */
function clean(value: unknown): unknown {
  if (value instanceof Reference) return value.written;
  if (typeof value === 'string') return escapeReferences(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== 'object' || value instanceof ExactNumber) return value;
  if ('fromEnv' in value || 'fromFile' in value)
    throw new RuntimeError('API_UNUSABLE', 'The API answered a reference to a variable or file in place of a value');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item != null)
      .map(([key, item]) => [key, clean(item)]),
  );
}

const slug = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}/]+/gu, '-')
    .replace(/\/+/g, '/')
    .replace(/^[-/]+|[-/]+$/g, '')
    .toLowerCase() || 'webhook';

/** Beginnings of names of variables that other programs read. Such a name gets a prefix, so that `apply` never sends their secrets. */
const FOREIGN =
  /^(ACTIONS|ARM|AWS|AZURE|BITBUCKET|BUILDKITE|CI|CIRCLE|CLOUDFLARE|DATABASE|DB|DIGITALOCEAN|DOCKER|GCLOUD|GCP|GH|GIT|GITHUB|GITLAB|GOOGLE|GPG|HEROKU|HOOKGRAPH|JENKINS|KUBE|KUBERNETES|MYSQL|NETLIFY|NODE|NPM|PG|POSTGRES|SSH|TF|TRAVIS|VAULT|VERCEL)_/;

function variable(name: string, what: string): string {
  const wanted = `${name} ${what}`
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .replace(/^(?=\d)/, '_')
    .toUpperCase();
  return FOREIGN.test(wanted) ? `WEBHOOK_${wanted}` : wanted;
}

function unused(files: Files, path: string): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? path : `${path}-${count}`;
    if (!files.has(`${candidate}.yaml`) && `${candidate}.yaml` !== SETTINGS) return candidate;
  }
}
