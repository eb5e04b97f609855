// Builds the HTTP request of a delivery: standard headers, the subscription's own headers, and signatures.
import type { Compiled } from '../../base/compiled.js';
import type { Engine, Settings } from '../../base/engine.js';
import type { Exchange } from '../../base/model.js';
import { signRequest } from '../../request/signatures/schemes.js';
import type { Composed, DeliveryIds } from '../kind.js';

export interface OutgoingRequest {
  url: string;
  origin: string;
  /** All headers except Authorization, which is added just before the request is sent. */
  headers: Record<string, string>;
  /** The headers to record. The values of the subscription's own headers are redacted, because they may be secrets. */
  recordedHeaders: Record<string, string>;
  body: Buffer;
}

const REDACTED = '[redacted]';

/** Builds the request of a delivery, signed with the current time, together with the form of it that is recorded. */
export function composeRequest(
  { settings }: Pick<Engine, 'settings'>,
  compiled: Compiled,
  { deliveryId, eventId, traceparent, sequence, replay, isSnapshot }: DeliveryIds,
  body: OutgoingBody,
): Composed<Exchange> {
  const marks = { sequence, replay, isSnapshot };
  const { recordedHeaders, ...message } = buildRequest(settings, compiled, deliveryId, body, new Date(), eventId, marks);
  const recorded = { url: message.url, headers: recordedHeaders, body: body.text };
  // The subscription's own `traceparent` header wins, because receivers may reject a request with two of them.
  if (traceparent === undefined || Object.keys(message.headers).some((name) => /^traceparent$/i.test(name))) return { message, recorded };
  return {
    message: { ...message, headers: { ...message.headers, traceparent } },
    recorded: { ...recorded, headers: { ...recordedHeaders, traceparent } },
  };
}

export interface OutgoingBody {
  text: string;
  contentType: string;
  /** The headers with which this body was sent before; absent for a new body. */
  sentHeaders?: Record<string, string>;
}

/**
 * Builds a signed request.
 * @param at time of sending, for the signatures and the header `…Time`
 * @param marks `sequence`: the number of the notification, of a numbered subscription; `replay`: what a replay sends again;
 *   `isSnapshot`: whether a snapshot sends the node in its current state
 * @param eventId the id that stays the same however often the event is sent to the subscription; `null`: the delivery's id
 */
export function buildRequest(
  settings: Settings,
  compiled: Compiled,
  deliveryId: string,
  body: OutgoingBody,
  at: Date,
  eventId: string | null = null,
  { sequence, replay, isSnapshot }: Pick<DeliveryIds, 'sequence' | 'replay' | 'isSnapshot'> = {},
): OutgoingRequest {
  const bytes = Buffer.from(body.text, 'utf8');
  const { headerPrefix } = settings;
  const { url, origin } = compiled;
  const { always, event, jobId, time } = knownOf(settings, compiled);
  const headers: Record<string, string> = {
    'Content-Type': body.contentType,
    ...always,
    ...(body.sentHeaders && topicOf(body.sentHeaders, headerPrefix)),
    ...(replay !== undefined && { [`${headerPrefix}Replay`]: replay }),
    ...(isSnapshot && { [`${headerPrefix}Snapshot`]: 'true' }),
    [event]: eventId ?? deliveryId,
    [jobId]: deliveryId,
    [time]: at.toISOString(),
    ...(sequence && { [`${headerPrefix}Sequence`]: sequence.number, [`${headerPrefix}Previous-Sequence`]: sequence.previous }),
  };
  // Two subscriptions may send the same event to one receiver, which must not drop the second notification as a repetition of the first.
  const messageId = eventId === null ? deliveryId : `${eventId}_${compiled.subscriptionId}`;
  const unsigned = { method: 'POST', url, headers, body: bytes, messageId, at, headerPrefix } as const;
  // The signatures are computed over the headers, and are then added to the same object, which no other code has yet.
  Object.assign(headers, signRequest(compiled.signatures, unsigned, secretsInForce(compiled, at)));
  return { url, origin, body: bytes, ...withOwn(compiled, headers) };
}

/** Returns, out of the headers sent before, the ones that name the topic of the body. */
const topicOf = (sent: Record<string, string>, prefix: string): Record<string, string> =>
  Object.fromEntries(
    [`${prefix}Topic`, `${prefix}Topic-Version`].flatMap((name) => (sent[name] === undefined ? [] : [[name, sent[name]]])),
  );

interface Known {
  domain: string;
  /** The headers that all requests of a definition have in common. */
  always: Record<string, string>;
  /** Names of the headers whose values differ between requests. */
  event: string;
  jobId: string;
  time: string;
}

/**
 * Caches the headers that don't differ between requests, per compiled definition. Of the settings, only the domain can change while a
 * process runs.
 */
const known = new WeakMap<Compiled, Known>();

function knownOf({ headerPrefix: prefix, domain }: Settings, compiled: Compiled): Known {
  const before = known.get(compiled);
  if (before?.domain === domain) return before;
  const made = {
    domain,
    always: {
      'User-Agent': 'Hookgraph',
      // Responses are short, so compressing them costs more than it saves. A receiver may compress its response nevertheless.
      ...(!Object.keys(compiled.headers).some((name) => name.toLowerCase() === 'accept-encoding') && { 'Accept-Encoding': 'identity' }),
      [`${prefix}Topic`]: compiled.topic.key,
      [`${prefix}Topic-Version`]: compiled.topic.version,
      [`${prefix}API-Version`]: '3',
      [`${prefix}Domain`]: domain,
      [`${prefix}Webhook-Id`]: compiled.subscriptionId,
      [`${prefix}Webhook-Type`]: 'node',
    },
    event: `${prefix}Event-Id`,
    jobId: `${prefix}Webhook-Job-Id`,
    time: `${prefix}Time`,
  };
  known.set(compiled, made);
  return made;
}

function withOwn({ headers: own, auth }: Compiled, signed: Record<string, string>): Pick<OutgoingRequest, 'headers' | 'recordedHeaders'> {
  const names = Object.keys(own);
  if (names.length === 0 && auth === null) return { headers: signed, recordedHeaders: signed };
  const redacted = Object.fromEntries(names.map((name) => [name, REDACTED]));
  return {
    headers: { ...own, ...signed },
    recordedHeaders: { ...redacted, ...(auth && { Authorization: REDACTED }), ...signed },
  };
}

/** Returns the shared secrets with which to sign at this time, newest first. Leaves out an expired secret even if it isn't deleted yet. */
function secretsInForce({ sharedSecret, oldSecrets }: Compiled, at: Date): string[] {
  if (sharedSecret === null) return [];
  if (oldSecrets.length === 0) return [sharedSecret];
  return [sharedSecret, ...oldSecrets.filter(({ endsAt }) => endsAt > at).map(({ secret }) => secret)];
}
