// A body and its delivery -> the request: the headers of contracts section 2, the owner's own, the signatures.
import type { Compiled } from '../base/compiled.js';
import type { Settings } from '../base/engine.js';
import { signRequest } from './signatures/schemes.js';

export interface OutgoingRequest {
  url: string;
  origin: string;
  /** What is sent, but for Authorization. */
  headers: Record<string, string>;
  /** What is recorded: the values of the owner's own headers are secrets. */
  recordedHeaders: Record<string, string>;
  body: Buffer;
}

const REDACTED = '[redacted]';

/** @param at when it is sent; `X-Scope-Time` */
export function buildRequest(
  settings: Settings,
  compiled: Compiled,
  deliveryId: string,
  body: { text: string; contentType: string },
  at: Date,
): OutgoingRequest {
  const bytes = Buffer.from(body.text, 'utf8');
  const { headerPrefix } = settings;
  const { url, origin } = compiled;
  const { always, jobId, time } = knownOf(settings, compiled);
  const headers: Record<string, string> = { 'Content-Type': body.contentType, ...always, [jobId]: deliveryId, [time]: at.toISOString() };
  const unsigned = { method: 'POST', url, headers, body: bytes, deliveryId, at, headerPrefix } as const;
  // Signed as it is, then with its signatures: nobody else holds it yet.
  Object.assign(headers, signRequest(compiled.signatures, unsigned, secretsInForce(compiled, at)));
  return { url, origin, body: bytes, ...withOwn(compiled, headers) };
}

interface Known {
  /** Headers of all its requests. */
  always: Record<string, string>;
  /** Names of those that each request has its own of. */
  jobId: string;
  time: string;
}

/** Of a definition that is compiled once; an installation's settings don't change. */
const known = new WeakMap<Compiled, Known>();

function knownOf({ headerPrefix: prefix, domain }: Settings, compiled: Compiled): Known {
  const before = known.get(compiled);
  if (before) return before;
  const made = {
    always: {
      'User-Agent': 'Hookgraph',
      [`${prefix}Topic`]: compiled.topic.key,
      [`${prefix}Topic-Version`]: compiled.topic.version,
      [`${prefix}API-Version`]: '3',
      [`${prefix}Domain`]: domain,
      [`${prefix}Webhook-Id`]: compiled.subscriptionId,
      [`${prefix}Webhook-Type`]: 'node',
    },
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

/** The newest first. By the time of sending alone: whether an old one has been wiped yet doesn't matter. */
function secretsInForce({ sharedSecret, oldSecrets }: Compiled, at: Date): string[] {
  if (sharedSecret === null) return [];
  if (oldSecrets.length === 0) return [sharedSecret];
  return [sharedSecret, ...oldSecrets.filter(({ endsAt }) => endsAt > at).map(({ secret }) => secret)];
}
