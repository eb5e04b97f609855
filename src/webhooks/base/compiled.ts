// One version of a definition with its secrets -> parsed once, ready to run for every delivery.
import type { DocumentNode } from 'graphql';
import type { Engine } from './engine.js';
import type { Auth, ContentType, Definition, OldSecret, Owner, Secrets, SignatureScheme, SnsAccess, Subscription } from './model.js';
import { checkQuery } from './query/query.js';
import { createRecorder, type Recorder } from './recording/recording.js';
import { accessOf, originOf } from './sns.js';
import { textsOf } from './store/secrets.js';
import type { Payer } from './templates/renderer.js';
import type { Escape, Step } from './templates/rendering.mjs';
import { type Template, TemplateError } from './templates/template.js';

/** What the worker loads of a subscription; never leaves the process. */
export interface Sendable {
  subscription: Subscription;
  topic: { key: string; version: string };
  secrets: Secrets;
}

/** What of it is compiled; a preview has no more. */
export interface Compilable extends Omit<Sendable, 'subscription'> {
  subscription: Pick<Subscription, 'id' | 'version' | 'tenant' | 'owner' | 'definition'>;
}

export interface Compiled {
  subscriptionId: string;
  version: number;
  owner: Owner;
  topic: { key: string; version: string };
  contentType: ContentType;
  /** Where it goes: a URL, or the ARN of an SNS topic. */
  url: string;
  /** The origin behind `url`: what is bounded and pooled together. */
  origin: string;
  /** Null: to a URL. */
  sns: SnsAccess | null;
  document: DocumentNode | null;
  validation: Template | null;
  template: Template | null;
  errorTemplate: Template | null;
  headers: Record<string, string>;
  signatures: SignatureScheme[];
  sharedSecret: string | null;
  auth: Auth | null;
  oldSecrets: readonly OldSecret[];
  /** What an answer must not repeat. */
  secretTexts: string[];
  retry: Definition['retry'];
  /** Null: attempts are recorded as they are. */
  recorder: Recorder | null;
}

/** Compiles, or says why the definition can't run any more: the schema changed since it was saved. */
export async function compileDefinition(
  engine: Engine,
  { subscription, topic, secrets }: Compilable,
): Promise<Compiled | { broken: string }> {
  const { definition } = subscription;
  let document: DocumentNode | null = null;
  if (definition.query !== null) {
    const checked = checkQuery(engine.host.schema(), definition.query, engine.settings.queryLimits);
    if (checked.problems)
      return { broken: `The query is no longer valid: ${checked.problems.map((problem) => problem.message).join('\n')}` };
    document = checked.document;
  }
  const known = (source: string | null, style: Escape): Template | null => (source === null ? null : { source, style });
  const validation = known(definition.validationTemplate, 'none');
  const template = known(definition.template, definition.contentType === 'XML' ? 'xml' : 'json');
  const errorTemplate = known(definition.errorTemplate, 'none');
  const mistake = await findMistake(engine, { tenant: subscription.tenant, key: subscription.id }, [validation, template, errorTemplate]);
  if (mistake !== null) return { broken: `A template can no longer be parsed: ${mistake}` };
  const { url, origin, sns } = destinationOf({ subscription, secrets });
  return {
    subscriptionId: subscription.id,
    version: subscription.version,
    owner: { tenant: subscription.tenant, userId: subscription.owner },
    topic,
    contentType: definition.contentType,
    url,
    origin,
    sns,
    document,
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

/** Where it goes: known before anything of it is compiled. */
export function destinationOf({
  subscription,
  secrets,
}: Pick<Compilable, 'subscription' | 'secrets'>): Pick<Compiled, 'url' | 'origin' | 'sns'> {
  const { sns: definition, callbackUrl } = subscription.definition;
  const sns = definition ? accessOf(subscription, definition, secrets.sns) : null;
  const url = sns?.topicArn ?? callbackUrl ?? '';
  return { url, origin: sns ? originOf(sns) : new URL(url).origin, sns };
}

async function findMistake(engine: Engine, payer: Payer, templates: (Template | null)[]): Promise<string | null> {
  const steps = templates.flatMap((template): Step[] => (template ? [{ ...template, ask: 'parse' }] : []));
  if (steps.length === 0) return null;
  const found = (await engine.renderer.render(payer, { data: '{}' }, steps)).find((result) => 'fault' in result);
  if (!found) return null;
  // It was never looked at: that is no mistake of its author.
  if (found.fault === 'busy') throw new TemplateError(found.message, 'busy');
  return found.message;
}
