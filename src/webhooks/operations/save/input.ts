// Merges a subscription input with the saved subscription into a draft. An absent field is unchanged; `null` clears it.

import type { Settings } from '../../base/engine.js';
import {
  type Before,
  type ContentType,
  type Definition,
  type DestinationInputs,
  type OldSecret,
  type Recording,
  type Secrets,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
} from '../../base/model.js';
import type { RateLimit } from '../../base/pace.js';
import type { TopicReference } from '../../base/store/topics.js';
import type { DestinationDraft, DestinationKind } from '../../destinations/kind.js';
import { DESTINATIONS, secretsOf, settingsOf } from '../../destinations/registry.js';
import { publicKeyOf } from '../../request/signatures/schemes.js';
import { type AuthDraft, type AuthInput, toAuthDraft } from './auth.js';

/** The fields of the kinds of destinations say where to deliver. Setting one removes the others. */
export interface SubscriptionInput extends Partial<DestinationInputs> {
  name?: string | null;
  topic?: TopicReference | null;
  contentType?: ContentType | null;
  query?: string | null;
  validationTemplate?: string | null;
  template?: string | null;
  errorTemplate?: string | null;
  sharedSecret?: string | null;
  /** Replaces the list of schemes; an empty list means SCOPE. */
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
  /** Key of a node of the host's integration type. */
  integrationId?: string | null;
  /** Keys of nodes of the host's environment type; an empty list means all environments. */
  environmentIds?: readonly string[] | null;
}

/** Time in milliseconds that a write waits for one before-hook: minimum, default and maximum. */
export const HOOK_TIMEOUT_MS = { least: 100, usual: 2_000, most: 10_000 };

/** A whole subscription, not yet validated. */
export interface Draft {
  name: string | null;
  definition: Omit<Definition, 'headerNames' | 'auth' | 'publicKey' | keyof DestinationInputs>;
  /** Several when the input names several, which is a mistake. */
  destinations: { kind: DestinationKind; draft: DestinationDraft<unknown> }[];
  sharedSecret: string | null;
  /** Old secrets of a running rotation; dropped when the shared secret changes. */
  oldSecrets: OldSecret[];
  headers: { name: string; value: string | null }[];
  auth: AuthDraft | null;
  integrationId: string | null;
  environmentIds: string[] | null;
}

export interface SavedBefore {
  name: string | null;
  definition: Definition;
  secrets: Secrets;
  integrationId: string | null;
  environmentIds: string[] | null;
}

export function toDraft(input: SubscriptionInput, before: SavedBefore | null, settings: Settings): Draft {
  const was = before?.definition;
  const asHook = toBefore(input, was?.before);
  const text = (asked: string | null | undefined, old: string | null | undefined): string | null => {
    const given = asked === undefined ? (old ?? null) : asked;
    // A blank text counts as absent, because a form sends empty fields.
    return given === null || given.trim() === '' ? null : given;
  };
  const kept = new Map(Object.entries(before?.secrets.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const keptHeaders = (was?.headerNames ?? []).map((name) => ({ name, value: kept.get(name.toLowerCase()) ?? null }));
  const askedHeaders = (input.headers ?? []).map(({ name, value }) => ({
    name: (name ?? '').trim(),
    value: (value === undefined ? kept.get((name ?? '').trim().toLowerCase()) : value)?.trim() ?? null,
  }));
  const sharedSecret = input.sharedSecret === undefined ? (before?.secrets.sharedSecret ?? null) : input.sharedSecret;
  return {
    name: text(input.name, before?.name),
    definition: {
      contentType: (input.contentType === undefined ? was?.contentType : input.contentType) ?? 'JSON',
      query: text(input.query, was?.query),
      validationTemplate: text(input.validationTemplate, was?.validationTemplate),
      template: text(input.template, was?.template),
      errorTemplate: text(input.errorTemplate, was?.errorTemplate),
      signatures: input.signatures === undefined ? (was?.signatures ?? ['SCOPE']) : toSchemes(input.signatures),
      retry: input.retry === undefined ? (was?.retry ?? null) : toRetry(input.retry),
      ...toRateLimit(input.rateLimit, was?.rateLimit),
      ...toRecording(input.recording, was?.recording),
      ...(asHook && { before: asHook }),
    },
    sharedSecret,
    oldSecrets: sharedSecret === before?.secrets.sharedSecret ? (before?.secrets.oldSecrets ?? []) : [],
    headers: input.headers === undefined ? keptHeaders : askedHeaders,
    auth: toAuthDraft(input.auth, was?.auth ?? null, before?.secrets.auth ?? {}),
    destinations: toDestinations(input, before, settings),
    integrationId: input.integrationId === undefined ? (before?.integrationId ?? null) : input.integrationId,
    environmentIds: input.environmentIds === undefined ? (before?.environmentIds ?? null) : toSet(input.environmentIds),
  };
}

/** Setting one destination removes the others. */
function toDestinations(input: SubscriptionInput, before: SavedBefore | null, settings: Settings): Draft['destinations'] {
  const given = ({ field }: DestinationKind) => (input as Record<string, unknown>)[field];
  const isAnyGiven = DESTINATIONS.some((kind) => Boolean(given(kind)));
  return DESTINATIONS.flatMap((kind) => {
    if (isAnyGiven && given(kind) === undefined) return [];
    const saved = before ? { settings: settingsOf(kind, before.definition), secrets: secretsOf(kind, before.secrets) } : {};
    const draft = kind.toDraft(given(kind), saved, settings);
    return draft ? [{ kind, draft }] : [];
  });
}

function toSchemes(asked: readonly SignatureScheme[] | null): SignatureScheme[] {
  const chosen = SIGNATURE_SCHEMES.filter((scheme) => asked?.includes(scheme));
  return chosen.length === 0 ? ['SCOPE'] : chosen;
}

function toSet(asked: readonly string[] | null): string[] | null {
  return asked === null || asked.length === 0 ? null : [...new Set(asked)].sort();
}

function toRetry(asked: NonNullable<SubscriptionInput['retry']> | null): Definition['retry'] {
  if (asked === null || (asked.maxTries == null && asked.maxTimeMs == null)) return null;
  return { maxTries: asked.maxTries ?? null, maxTimeMs: asked.maxTimeMs ?? null };
}

function toRateLimit(asked: SubscriptionInput['rateLimit'], was: RateLimit | undefined): { rateLimit?: RateLimit } {
  if (asked === undefined) return was ? { rateLimit: was } : {};
  const { perSecond = null, concurrency = null } = asked ?? {};
  return perSecond === null && concurrency === null ? {} : { rateLimit: { perSecond, concurrency } };
}

/** Omits settings that equal the default, so that the definition doesn't differ from one saved without them. */
function toRecording(asked: SubscriptionInput['recording'], was: Recording | undefined): { recording?: Recording } {
  if (asked === undefined) return was ? { recording: was } : {};
  const recording = { bodies: asked?.bodies !== false, maskedPaths: [...new Set(asked?.maskedPaths ?? [])] };
  return recording.bodies && recording.maskedPaths.length === 0 ? {} : { recording };
}

function toBefore({ phase, onFailure, timeoutMs }: SubscriptionInput, was: Before | undefined): Before | null {
  const isBefore = phase === undefined ? was !== undefined : phase === 'BEFORE';
  if (!isBefore) return null;
  return {
    onFailure: (onFailure === undefined ? was?.onFailure : onFailure) ?? 'ALLOW',
    timeoutMs: (timeoutMs === undefined ? was?.timeoutMs : timeoutMs) ?? HOOK_TIMEOUT_MS.usual,
  };
}

/** Splits a validated draft into the stored definition and the secrets, which are stored separately. */
export function splitDraft(draft: Draft): { definition: Definition; secrets: Secrets } {
  const secrets: Secrets = {};
  if (draft.sharedSecret !== null) secrets.sharedSecret = draft.sharedSecret;
  if (draft.oldSecrets.length > 0) secrets.oldSecrets = draft.oldSecrets;
  if (draft.headers.length > 0) secrets.headers = Object.fromEntries(draft.headers.map(({ name, value }) => [name, value ?? '']));
  if (draft.auth !== null) secrets.auth = draft.auth.secrets;
  for (const { kind, draft: destination } of draft.destinations)
    if (destination.secrets) Object.assign(secrets, { [kind.field]: destination.secrets });
  const headerNames = draft.headers.map(({ name }) => name);
  const publicKey = publicKeyOf(draft.definition.signatures, draft.sharedSecret);
  const auth = draft.auth?.definition ?? null;
  const destinations = Object.fromEntries(draft.destinations.map(({ kind, draft: { settings } }) => [kind.field, settings]));
  return { definition: { ...draft.definition, headerNames, auth, publicKey, callbackUrl: null, ...destinations }, secrets };
}
