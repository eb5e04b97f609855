// One version of a definition with its secrets -> parsed once, ready to run for every delivery.
import type { DocumentNode } from 'graphql';
import type { Engine } from './engine.js';
import { type Escape, parseTemplate, type Template, TemplateError } from './liquid.js';
import type { Auth, ContentType, Definition, OldSecret, Owner, Secrets, SignatureScheme, Subscription } from './model.js';
import { checkQuery } from './query.js';
import { createRecorder, type Recorder } from './recording.js';
import { textsOf } from './store-secrets.js';

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
  url: string;
  /** Origin of `url`: what is bounded and pooled together. */
  origin: string;
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
export function compileDefinition(engine: Engine, { subscription, topic, secrets }: Compilable): Compiled | { broken: string } {
  const { definition } = subscription;
  let document: DocumentNode | null = null;
  if (definition.query !== null) {
    const checked = checkQuery(engine.host.schema(), definition.query, engine.settings.queryLimits);
    if (checked.problems)
      return { broken: `The query is no longer valid: ${checked.problems.map((problem) => problem.message).join('\n')}` };
    document = checked.document;
  }
  try {
    const parse = (source: string | null, style: Escape) => (source === null ? null : parseTemplate(source, style));
    return {
      subscriptionId: subscription.id,
      version: subscription.version,
      owner: { tenant: subscription.tenant, userId: subscription.owner },
      topic,
      contentType: definition.contentType,
      url: definition.callbackUrl,
      origin: new URL(definition.callbackUrl).origin,
      document,
      validation: parse(definition.validationTemplate, 'none'),
      template: parse(definition.template, definition.contentType === 'XML' ? 'xml' : 'json'),
      errorTemplate: parse(definition.errorTemplate, 'none'),
      headers: secrets.headers ?? {},
      signatures: definition.signatures,
      sharedSecret: secrets.sharedSecret ?? null,
      auth: definition.auth && { ...definition.auth, secrets: secrets.auth ?? {} },
      oldSecrets: secrets.oldSecrets ?? [],
      secretTexts: textsOf(secrets),
      retry: definition.retry,
      recorder: createRecorder(definition.recording, definition.contentType),
    };
  } catch (error) {
    if (error instanceof TemplateError) return { broken: `A template can no longer be parsed: ${error.message}` };
    throw error;
  }
}
