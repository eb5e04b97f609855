// What a subscriber asks for, and what they entrust to us.

import type { RateLimit } from './pace.js';

export type ContentType = 'JSON' | 'XML';

/** How a subscription makes itself known to its receiver (contracts, section 4), without the secret parts. */
export type AuthDefinition =
  | { kind: 'BASIC'; scheme: string }
  | { kind: 'TOKEN'; scheme: string }
  | {
      kind: 'OAUTH2';
      tokenUrl: string;
      clientId: string;
      scope: string | null;
      audience: string | null;
      /** Where the token endpoint reads the client's credentials: in the header Authorization, or in the body. */
      clientAuthentication: 'BASIC' | 'POST';
    };

export interface AuthSecrets {
  username?: string;
  password?: string;
  token?: string;
  clientSecret?: string;
}

/** Both together, as only the worker sees them. */
export type Auth = AuthDefinition & { secrets: AuthSecrets };

/** An SNS topic that notifications go to (contracts, section 5); its ARN says region and account. */
export type SnsDefinition =
  | { kind: 'OWN'; topicArn: string; endpoint: string | null; roleArn: string | null; ownKeys: boolean }
  /** Ours: made, opened to this principal, and deleted with the subscription. `prefix`: its ARN up to the name. */
  | { kind: 'MANAGED'; prefix: string; fifo: boolean; subscriberPrincipal: string };

/** Keys of an AWS account, to be used in place of the installation's credentials. */
export interface SnsSecrets {
  accessKeyId?: string;
  secretAccessKey?: string;
}

/** How a request can be signed; one file each in `request/signatures/`. */
export const SIGNATURE_SCHEMES = ['SCOPE', 'STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES', 'UP42', 'SCALR', 'SERVO'] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** One immutable version of what a subscriber asked for; secrets live apart. */
export interface Definition {
  /** Null where it goes to an SNS topic. */
  callbackUrl: string | null;
  contentType: ContentType;
  query: string | null;
  validationTemplate: string | null;
  template: string | null;
  errorTemplate: string | null;
  /** Names of the custom headers, in order; their values are secrets. */
  headerNames: string[];
  auth: AuthDefinition | null;
  /** Absent where it goes to a URL. */
  sns?: SnsDefinition;
  /** In the order of SIGNATURE_SCHEMES, each once; at least one. */
  signatures: SignatureScheme[];
  /** Of a shared secret that is a private key: what its receiver verifies with. */
  publicKey: string | null;
  /** Its own limits in place of the installation's 25 retries; then a spent delivery FAILs and nothing is disabled. */
  retry: { maxTries: number | null; maxTimeMs: number | null } | null;
  /** Absent: no limit of its own. */
  rateLimit?: RateLimit;
  /** Absent: all is recorded as it is. */
  recording?: Recording;
  /** Phase BEFORE: it is asked while a write waits. Absent: AFTER, the ordinary case. */
  before?: Before;
}

/** What is kept of the bodies of a subscription's attempts. */
export interface Recording {
  bodies: boolean;
  /** What is replaced by `[masked]` in bodies and messages: see base/mask-path.ts. */
  maskedPaths: string[];
}

/** What a before-hook may cost a write. */
export interface Before {
  /** What it means that it can't be asked, fails, or takes too long. */
  onFailure: 'ALLOW' | 'REFUSE';
  /** For all of it: payload, request, answer. */
  timeoutMs: number;
}

/** A shared secret that was replaced, and signs until its overlap ends. */
export interface OldSecret {
  secret: string;
  /** The last version whose shared secret it was. */
  version: number;
  endsAt: Date;
}

export interface Secrets {
  sharedSecret?: string;
  /** The newest first; absent where there is none. */
  oldSecrets?: OldSecret[];
  /** Custom header name → value. */
  headers?: Record<string, string>;
  auth?: AuthSecrets;
  sns?: SnsSecrets;
}

export type SecretField = Exclude<keyof Secrets, 'oldSecrets'>;
