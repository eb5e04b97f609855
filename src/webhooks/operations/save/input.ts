// Merges a subscription input with the saved subscription into a draft. An absent field is unchanged; `null` clears it.
import type { Settings } from '../../base/engine.js';
import type { AuthDraft, AuthInput } from '../../base/fields/auth-values.js';
import type { Saved } from '../../base/fields/field.js';
import { mergeField, storeField } from '../../base/fields/merge-values.js';
import {
  type Before,
  type Coalescing,
  type ContentType,
  type Definition,
  type DestinationInputs,
  EMPTY_DEFINITION,
  type Ordering,
  type Recording,
  type Secrets,
  type SignatureScheme,
} from '../../base/model.js';
import type { RateLimit } from '../../base/pace.js';
import type { TopicReference } from '../../base/store/topics.js';
import { FIELDS, type FieldName } from '../../fields.js';
import { publicKeyOf } from '../../request/signatures/schemes.js';

/**
 * The values of all declared fields of a subscription; this interface names only those that need a narrower type. Setting a destination
 * removes any other.
 */
export interface SubscriptionInput
  extends Partial<DestinationInputs>,
    Partial<Record<Exclude<FieldName, keyof DestinationInputs>, unknown>> {
  name?: string | null;
  topic?: TopicReference | null;
  coalescing?: Coalescing | null;
  ordering?: Ordering | 'NONE' | null;
  numbered?: boolean | null;
  skipUnread?: boolean | null;
  relatedChanges?: boolean | null;
  contentType?: ContentType | null;
  query?: string | null;
  validationTemplate?: string | null;
  template?: string | null;
  errorTemplate?: string | null;
  sharedSecret?: string | null;
  /** Replaces the list of signature schemes; an empty list means SCOPE alone. */
  signatures?: readonly SignatureScheme[] | null;
  /** Replaces the list of headers. A header given without a value keeps its saved value. */
  headers?: readonly { name?: string | null; value?: string | null }[] | null;
  /** One kind of authentication; absent fields keep their saved values. */
  auth?: AuthInput | null;
  retry?: { maxTries?: number | null; maxTimeMs?: number | null } | null;
  /** Replaces the whole rate limit. */
  rateLimit?: { perSecond?: number | null; concurrency?: number | null } | null;
  /** Replaces all recording settings. Bodies are recorded unless `bodies` is false. */
  recording?: { bodies?: boolean | null; maskedPaths?: readonly string[] | null } | null;
  phase?: 'AFTER' | 'BEFORE' | null;
  onFailure?: Before['onFailure'] | null;
  timeoutMs?: number | null;
  disabled?: boolean | null;
  /** Only for a new subscription. `SNAPSHOT` also sends the current nodes of the topic's type. */
  startFrom?: 'NOW' | 'SNAPSHOT' | null;
  /** Key of a node of the host's integration type. */
  integrationId?: string | null;
  /** Keys of nodes of the host's environment type; an empty list means all environments. */
  environmentIds?: readonly string[] | null;
}

/** A whole subscription, not yet validated: the merged value of every declared field. */
export interface Draft extends Record<Exclude<FieldName, 'topic' | 'disabled'>, unknown> {
  name: string | null;
  coalescing: Coalescing;
  ordering: Ordering | 'NONE';
  numbered: boolean;
  skipUnread: boolean;
  relatedChanges: boolean;
  contentType: ContentType;
  query: string | null;
  validationTemplate: string | null;
  template: string | null;
  errorTemplate: string | null;
  sharedSecret: string | null;
  signatures: SignatureScheme[];
  headers: { name: string; value: string | null }[];
  auth: AuthDraft | null;
  retry: Definition['retry'];
  rateLimit: RateLimit | null;
  recording: Recording | null;
  phase: 'AFTER' | 'BEFORE';
  onFailure: Before['onFailure'] | null;
  timeoutMs: number | null;
  integrationId: string | null;
  environmentIds: string[] | null;
}

export function toDraft(input: SubscriptionInput, saved: Saved | null, settings: Settings): Draft {
  const destinations = FIELDS.filter(({ destination }) => destination).map(({ name }) => name);
  const context = { input: { ...input }, saved, settings };
  return Object.fromEntries(FIELDS.map((field) => [field.name, mergeField(field, destinations, context)])) as unknown as Draft;
}

/** Splits a validated draft into the stored definition and the secrets, which are stored separately. */
export function splitDraft(draft: Draft, saved: Saved | null): { definition: Definition; secrets: Secrets } {
  const stored = FIELDS.map((field) => storeField(field, { ...draft }));
  const definition: Definition = Object.assign({}, EMPTY_DEFINITION, ...stored.map((one) => one.definition));
  const secrets: Secrets = Object.assign({}, ...stored.map((one) => one.secrets));
  const { sharedSecret, oldSecrets } = saved?.secrets ?? {};
  // Keeps the old secrets of a rotation in progress, unless this save replaces the shared secret, which ends the rotation.
  if (oldSecrets && secrets.sharedSecret === sharedSecret) secrets.oldSecrets = oldSecrets;
  return { definition: { ...definition, publicKey: publicKeyOf(draft.signatures, draft.sharedSecret) }, secrets };
}
