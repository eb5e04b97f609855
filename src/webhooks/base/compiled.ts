// Compiles one version of a subscription with its secrets, once, so that every delivery of it can reuse the result.
import type { DocumentNode } from 'graphql';
import type { Engine } from './engine.js';
import type {
  AnnouncedNode,
  Auth,
  ContentType,
  Definition,
  OldSecret,
  Owner,
  Secrets,
  SignatureScheme,
  SnsAccess,
  Subscription,
  Topic,
} from './model.js';
import { announcedNode } from './own-node.js';
import type { KeyVariable } from './query/key-variables.js';
import { checkQuery } from './query/query.js';
import { createRecorder, type Recorder } from './recording/recording.js';
import { accessOf, originOf } from './sns.js';
import { textsOf } from './store/secrets.js';
import { type EventUse, eventUseOf } from './templates/event-use.js';
import type { Payer } from './templates/renderer.js';
import type { Escape, Step } from './templates/rendering.mjs';
import { type Template, TemplateError } from './templates/template.js';

/** A subscription as the worker loads it. Holds plaintext secrets, so it must never leave the process. */
export interface Sendable {
  subscription: Subscription;
  topic: Pick<Topic, 'key' | 'version' | 'typename' | 'operation'>;
  secrets: Secrets;
}

/** The parts of a `Sendable` that are compiled; a preview has only these. */
export interface Compilable extends Omit<Sendable, 'subscription'> {
  subscription: Pick<Subscription, 'id' | 'version' | 'tenant' | 'owner' | 'definition'>;
}

export interface Compiled {
  subscriptionId: string;
  version: number;
  owner: Owner;
  topic: Sendable['topic'];
  /** The node type of the topic; `null` when the host no longer announces it. */
  node: AnnouncedNode | null;
  contentType: ContentType;
  /** The destination: a URL, or the ARN of an SNS topic. */
  url: string;
  /** The origin that requests go to; connections are limited and pooled per origin. */
  origin: string;
  /** How to publish to the SNS topic; `null` when the destination is a URL. */
  sns: SnsAccess | null;
  document: DocumentNode | null;
  /** The columns of the node's key that the document declares as variables. */
  keys: KeyVariable[];
  /** The fields of the event that the templates or the default payload read; `null` when they read none. */
  event: EventUse | null;
  validation: Template | null;
  template: Template | null;
  errorTemplate: Template | null;
  headers: Record<string, string>;
  signatures: SignatureScheme[];
  sharedSecret: string | null;
  auth: Auth | null;
  oldSecrets: readonly OldSecret[];
  /** Plaintext secrets, to be removed from recorded responses. */
  secretTexts: string[];
  retry: Definition['retry'];
  /** Masks or removes recorded bodies; `null` when attempts are recorded unchanged. */
  recorder: Recorder | null;
}

/**
 * Compiles a definition. Returns `broken` with the reason when it can no longer run because the schema changed after it was saved.
 * @throws TemplateError `busy` when the renderer has no capacity; then nothing is known about the templates
 */
export async function compileDefinition(
  engine: Engine,
  { subscription, topic, secrets }: Compilable,
): Promise<Compiled | { broken: string }> {
  const { definition } = subscription;
  const { host } = engine;
  let document: DocumentNode | null = null;
  let keys: KeyVariable[] = [];
  const node = announcedNode(host, topic.typename);
  if (definition.query !== null) {
    const about = { node, topicKey: topic.key, pageArguments: host.pageArguments };
    const checked = checkQuery(host.schema(), definition.query, engine.settings.queryLimits, about);
    if (checked.problems)
      return { broken: `The query is no longer valid: ${checked.problems.map((problem) => problem.message).join('\n')}` };
    ({ document, keys } = checked);
  }
  const known = (source: string | null, style: Escape): Template | null => (source === null ? null : { source, style });
  const validation = known(definition.validationTemplate, 'none');
  const template = known(definition.template, definition.contentType === 'XML' ? 'xml' : 'json');
  const errorTemplate = known(definition.errorTemplate, 'none');
  const read = await readTemplates(engine, { tenant: subscription.tenant, key: subscription.id }, [validation, template, errorTemplate]);
  if ('mistake' in read) return { broken: `A template can no longer be parsed: ${read.mistake}` };
  // A row that is the default payload needs the same event data as a template that reads every field.
  const sendsRow = document === null && host.defaultPayload === 'ROW';
  const { url, origin, sns } = destinationOf({ subscription, secrets });
  return {
    subscriptionId: subscription.id,
    version: subscription.version,
    owner: { tenant: subscription.tenant, userId: subscription.owner },
    topic,
    node,
    contentType: definition.contentType,
    url,
    origin,
    sns,
    document,
    keys,
    event: sendsRow ? { fields: 'ALL' } : eventUseOf(read.paths),
    validation,
    template,
    errorTemplate,
    headers: secrets.headers ?? {},
    signatures: definition.signatures,
    sharedSecret: secrets.sharedSecret ?? null,
    auth: definition.auth && { ...definition.auth, secrets: secrets.auth ?? {} },
    oldSecrets: secrets.oldSecrets ?? [],
    secretTexts: textsOf(secrets),
    retry: definition.retry,
    recorder: createRecorder(definition.recording, definition.contentType),
  };
}

/** The destination of a subscription; needs nothing compiled. */
export function destinationOf({
  subscription,
  secrets,
}: Pick<Compilable, 'subscription' | 'secrets'>): Pick<Compiled, 'url' | 'origin' | 'sns'> {
  const { sns: definition, callbackUrl } = subscription.definition;
  const sns = definition ? accessOf(subscription, definition, secrets.sns) : null;
  const url = sns?.topicArn ?? callbackUrl ?? '';
  return { url, origin: sns ? originOf(sns) : new URL(url).origin, sns };
}

/** Parses the templates in a render process. Returns the paths of `event` that they read, or the first syntax error. */
async function readTemplates(
  engine: Engine,
  payer: Payer,
  templates: (Template | null)[],
): Promise<{ paths: string[][] } | { mistake: string }> {
  const steps = templates.flatMap((template): Step[] => (template ? [{ ...template, ask: 'parse' }] : []));
  if (steps.length === 0) return { paths: [] };
  const paths: string[][] = [];
  for (const result of await engine.renderer.render(payer, { data: '{}' }, steps)) {
    if (!('fault' in result)) paths.push(...(JSON.parse(result.text) as string[][]));
    // No process parsed it, so this must not count as an error of its author.
    else if (result.fault === 'busy') throw new TemplateError(result.message, 'busy');
    else return { mistake: result.message };
  }
  return { paths };
}
