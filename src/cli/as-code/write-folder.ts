// Writes subscriptions to the files of a folder: YAML, with queries and templates in separate files, and secrets as
// references.
import { stringify } from 'yaml';
import type { Existing } from './compare.js';
import { SETTINGS } from './read-folder.js';

/** Maps each path (relative to the folder) to the file's text. */
export type Files = Map<string, string>;

const SOURCES: Record<string, string> = {
  query: 'graphql',
  validationTemplate: 'validation.liquid',
  template: 'liquid',
  errorTemplate: 'errors.liquid',
};

/** Subscriptions are matched by name, so those without a name, or with a duplicate one, can't be written to files. */
export function writable(existing: readonly Existing[]): { named: Existing[]; others: Existing[] } {
  const isAlone = ({ name }: Existing) => name !== null && existing.filter((one) => one.name === name).length === 1;
  return { named: existing.filter(isAlone), others: existing.filter((one) => !isAlone(one)) };
}

/** `scope`: the prefix to remove from the names. Each subscription must have a unique name. */
export function writeFolder(existing: readonly Existing[], scope: string | null): Files {
  const files: Files = new Map();
  if (scope !== null)
    files.set(SETTINGS, `# Names in this folder stand for names that begin with ${scope}/ in Hookgraph.\n${stringify({ scope })}`);
  for (const { name, topics, node } of grouped(existing, scope)) {
    const stem = unused(files, slug(name));
    files.set(`${stem}.yaml`, stringify(documentOf(node, { name, topics, stem, files }), { lineWidth: 120 }));
  }
  return files;
}

interface Group {
  name: string;
  /** Several topics of one file; `null` for a single subscription with one topic. */
  topics: string[] | null;
  node: Existing;
}

const topicOf = ({ topic }: Existing): string => {
  const { key, version } = topic as { key: string; version: string };
  return `${key}@${version}`;
};

/**
 * Merges subscriptions that are named like `X: user/created` and `X: user/updated` and otherwise equal into one with a
 * list of topics.
 */
function grouped(existing: readonly Existing[], scope: string | null): Group[] {
  const groups = new Map<string, Group>();
  for (const node of existing) {
    const whole = String(node.name);
    const name = scope !== null && whole.startsWith(`${scope}/`) ? whole.slice(scope.length + 1) : whole;
    const suffix = `: ${(node.topic as { key: string }).key}`;
    const stem = name.endsWith(suffix) ? name.slice(0, -suffix.length) : null;
    const key = JSON.stringify([stem ?? `${name}\0`, { ...node, ...OWN }]);
    const known = stem === null ? undefined : groups.get(key);
    if (known?.topics) known.topics.push(topicOf(node));
    else
      groups.set(stem === null ? `${key}${groups.size}` : key, {
        name: stem ?? name,
        topics: stem === null ? null : [topicOf(node)],
        node,
      });
  }
  return [...groups.values()];
}

/** Fields that may differ within one list of topics, and fields that aren't part of a definition. */
const OWN = Object.fromEntries(
  'id databaseId name topic version status createdAt updatedAt createdBy publicKey disabledAt disabledReason disabledMessage heldReason secretRotation pace'
    .split(' ')
    .map((field) => [field, null]),
);

interface Around {
  name: string;
  topics: string[] | null;
  stem: string;
  files: Files;
}

function documentOf(node: Existing, { name, topics, stem, files }: Around): Record<string, unknown> {
  const source = (field: string) => {
    const text = node[field];
    if (text == null) return undefined;
    const file = `${stem}.${SOURCES[field]}`;
    files.set(file, String(text));
    return { fromFile: file.split('/').at(-1) };
  };
  const secret = (what: string) => ({ fromEnv: variable(name, what) });
  const headers = node.headers as { name: string }[];
  const environments = (node.environments ?? []) as { id: string }[];
  const document: Record<string, unknown> = {
    name,
    ...(topics ? { topics } : { topic: topicOf(node) }),
    callbackUrl: node.callbackUrl,
    sns: node.sns && snsOf(node.sns as Record<string, unknown>, secret),
    contentType: node.contentType === 'JSON' ? null : node.contentType,
    ...Object.fromEntries(Object.keys(SOURCES).map((field) => [field, source(field)])),
    sharedSecret: node.hasSharedSecret ? secret('SECRET') : null,
    signatures: String(node.signatures) === 'SCOPE' ? null : node.signatures,
    headers: headers.length > 0 ? headers.map((header) => ({ name: header.name, value: secret(header.name) })) : null,
    auth: node.auth && authOf(node.auth as Record<string, unknown>, secret),
    integrationId: (node.integration as { id: string } | null)?.id,
    environmentIds: environments.length > 0 ? environments.map(({ id }) => id) : null,
    retry: node.retry,
    rateLimit: node.rateLimit,
    recording: JSON.stringify(node.recording) === '{"bodies":true,"maskedPaths":[]}' ? null : node.recording,
    phase: node.phase === 'AFTER' ? null : node.phase,
    onFailure: node.phase === 'BEFORE' ? node.onFailure : null,
    timeoutMs: node.timeoutMs,
    disabled: node.disabledReason === 'OWNER' ? true : null,
  };
  return clean(document) as Record<string, unknown>;
}

function authOf({ kind, scheme, ...shown }: Record<string, unknown>, secret: (what: string) => unknown): Record<string, unknown> {
  if (kind === 'BASIC') return { basic: { username: secret('USERNAME'), password: secret('PASSWORD'), scheme } };
  if (kind === 'TOKEN') return { token: { token: secret('TOKEN'), scheme } };
  return { oauth2: { ...shown, clientSecret: secret('CLIENT_SECRET') } };
}

function snsOf(
  { managed, topicArn, region, subscriberPrincipal, endpoint, roleArn, hasOwnKeys }: Record<string, unknown>,
  secret: (what: string) => unknown,
) {
  if (managed) return { managed, region, subscriberPrincipal, fifo: String(topicArn).endsWith('.fifo') || null };
  return {
    topicArn,
    endpoint,
    roleArn,
    ...(hasOwnKeys === true && { accessKeyId: secret('ACCESS_KEY_ID'), secretAccessKey: secret('SECRET_ACCESS_KEY') }),
  };
}

function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== 'object') return value;
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

const variable = (name: string, what: string): string =>
  `${name} ${what}`
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .replace(/^(?=\d)/, '_')
    .toUpperCase();

function unused(files: Files, stem: string): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? stem : `${stem}-${count}`;
    if (!files.has(`${candidate}.yaml`) && `${candidate}.yaml` !== SETTINGS) return candidate;
  }
}
