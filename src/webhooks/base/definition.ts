// Declares a subscription's definition (one version of its settings) and its secrets.

import type { RateLimit } from './pace.js';

export type ContentType = 'JSON' | 'XML';

/** Whether a node's changes in one transaction are sent as one notification (TRANSACTION) or separately (NONE). */
export type Coalescing = 'TRANSACTION' | 'NONE';

/**
 * In which order the notifications of one node are sent. Both values send one at a time. PER_NODE: in the order of the changes.
 * LATEST_ONLY: a later notification replaces earlier ones that the receiver has not accepted yet.
 */
export type Ordering = 'PER_NODE' | 'LATEST_ONLY';

/** How requests authenticate to the receiver, without the secret values. */
export type AuthDefinition =
  | { kind: 'BASIC'; scheme: string }
  | { kind: 'TOKEN'; scheme: string }
  | {
      kind: 'OAUTH2';
      tokenUrl: string;
      clientId: string;
      scope: string | null;
      audience: string | null;
      /** How client credentials are sent to the token endpoint: in the Authorization header (BASIC), or in the body (POST). */
      clientAuthentication: 'BASIC' | 'POST';
    };

export interface AuthSecrets {
  username?: string;
  password?: string;
  token?: string;
  clientSecret?: string;
}

/** The authentication with its plaintext secrets, which must never leave the process. */
export type Auth = AuthDefinition & { secrets: AuthSecrets };

/**
 * One field for each kind of destination, with its settings. Empty here: each folder of `destinations/` adds the field of its kind. A
 * definition has the settings of exactly one kind; `null` counts as absent.
 */
// biome-ignore lint/suspicious/noEmptyInterface: kinds of destinations add their fields by declaration merging.
export interface DestinationSettings {}

/** One field for each kind of destination, with its secrets. Each folder of `destinations/` adds the field of its kind. */
// biome-ignore lint/suspicious/noEmptyInterface: kinds of destinations add their fields by declaration merging.
export interface DestinationSecrets {}

/** One field for each kind of destination, with its input in the API. Each folder of `destinations/` adds the field of its kind. */
// biome-ignore lint/suspicious/noEmptyInterface: kinds of destinations add their fields by declaration merging.
export interface DestinationInputs {}

/** The signature schemes; each is one file in `request/signatures/`. */
export const SIGNATURE_SCHEMES = ['SCOPE', 'STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES', 'UP42', 'SCALR', 'SERVO'] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** One immutable version of a subscription's settings. Secret values are stored separately. */
export interface Definition extends Partial<DestinationSettings> {
  contentType: ContentType;
  query: string | null;
  validationTemplate: string | null;
  template: string | null;
  errorTemplate: string | null;
  /** Names of the custom headers, in order. Their values are secrets. */
  headerNames: string[];
  auth: AuthDefinition | null;
  /** At least one scheme, without duplicates, in the order of SIGNATURE_SCHEMES. */
  signatures: SignatureScheme[];
  /** The public key with which the receiver verifies signatures; `null` unless the shared secret is a private key. */
  publicKey: string | null;
  /**
   * `maxTries`: maximum number of attempts; `null`: 26, the first attempt and 25 retries. `maxTimeMs`: a delivery is not retried later than
   * this number of milliseconds after its creation; `null`: no limit. A delivery that reaches a limit becomes FAILED, and the subscription
   * stays enabled. Without `retry`, 25 failed retries of one delivery disable the subscription.
   */
  retry: { maxTries: number | null; maxTimeMs: number | null } | null;
  /** Absent: TRANSACTION. */
  coalescing?: 'NONE';
  /** Absent: notifications are sent in any order, several at a time. */
  ordering?: Ordering;
  /** Absent: notifications are not numbered. */
  numbered?: true;
  /** Absent: each change is sent, whatever fields it changed. */
  skipUnread?: true;
  /** Absent: changes of related rows are not sent as updates of the node. */
  relatedChanges?: true;
  /** Absent: the subscription sets no rate limit. */
  rateLimit?: RateLimit;
  /** How the bodies of attempts are recorded. Absent: they are recorded unchanged. */
  recording?: Recording;
  /**
   * Present on a before-hook: a subscription of the phase BEFORE, which is called before a write and can refuse it. Absent: deliveries are
   * sent after the commit.
   */
  before?: Before;
}

/** The values of fields that a stored definition lacks, e.g. because a field was added to Hookgraph after the definition was saved. */
export const EMPTY_DEFINITION: Definition = {
  callbackUrl: null,
  contentType: 'JSON',
  query: null,
  validationTemplate: null,
  template: null,
  errorTemplate: null,
  headerNames: [],
  auth: null,
  signatures: ['SCOPE'],
  publicKey: null,
  retry: null,
};

/** Settings for recording the request and response bodies of a subscription's attempts. */
export interface Recording {
  bodies: boolean;
  /** Paths whose values are replaced by `[masked]` in recorded bodies and messages, such as `data.node.email` or `users[*].phone`. */
  maskedPaths: string[];
}

/** Settings of a before-hook, a subscription that is called before a write and can refuse it. */
export interface Before {
  /** Whether the write is allowed or refused when the hook can't be called, fails or times out. */
  onFailure: 'ALLOW' | 'REFUSE';
  /** Milliseconds for the whole call: building the payload, the request and the response. */
  timeoutMs: number;
}

/** A replaced shared secret. Until `endsAt`, requests are signed with it as well as with the current one. */
export interface OldSecret {
  secret: string;
  /** The last version of the subscription that used this secret. */
  version: number;
  endsAt: Date;
}

export interface Secrets extends Partial<DestinationSecrets> {
  sharedSecret?: string;
  /** Replaced shared secrets that still sign requests, newest first; absent when there are none. */
  oldSecrets?: OldSecret[];
  /** Custom header name → value. */
  headers?: Record<string, string>;
  auth?: AuthSecrets;
}

/** The name of a field that holds secrets: `sharedSecret`, `headers`, `auth`, or the field of a kind of destination. */
export type SecretField = string;
