// Declares the shared secret, the signature schemes and the custom headers.
import type { SignatureScheme } from '../definition.js';
import type { Problem } from '../errors.js';
import type { Subscription } from '../model.js';
import { isStorable, tooLong } from './check-values.js';
import type { CheckContext, EnumType, Field, MergeContext } from './field.js';

export const MAX_SECRET_LENGTH = 1_024;
export const MAX_HEADERS = 32;
const MAX_HEADER_NAME_LENGTH = 128;
export const MAX_HEADER_VALUE_LENGTH = 4_096;

export const SIGNATURE_ENUM = {
  kind: 'ENUM',
  typename: 'WebhookSignature',
  description: 'A way to sign notifications with the shared secret. See docs/verifying.md.',
  values: {
    SCOPE:
      'The header `X-Scope-Hmac-Sha256`: an HMAC-SHA256 over the body. It is also sent with every other scheme, unless the secret is a private key.',
    STANDARD_WEBHOOKS:
      'Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`. A secret `whsec_…` signs as `v1`, a private key `whsk_…` as `v1a`.',
    HTTP_MESSAGE_SIGNATURES: 'RFC 9421 with `hmac-sha256`: `Signature-Input`, `Signature`, and the `Content-Digest` of RFC 9530.',
    UP42: "UP42's scheme: `signature-input` and `signature` over header values, one of which is a digest of the body.",
    SCALR: "Scalr's scheme: `X-Signature` over the body and the header `Date`.",
    SERVO: "Servo's scheme: `X-Servo-Signature`, an HMAC-SHA1 over the body.",
  } satisfies Record<SignatureScheme, string>,
} as const satisfies EnumType;

/** An empty secret is rejected and doesn't count as absent, because secrets are stored exactly as given. */
export const SHARED_SECRET = {
  name: 'sharedSecret',
  type: { kind: 'TEXT' },
  description: 'The secret that signs notifications. Without it, they are not signed. It is never returned.',
  output: {
    name: 'hasSharedSecret',
    type: { kind: 'BOOLEAN' },
    description: 'Whether a shared secret signs notifications.',
    required: true,
    read: ({ secretFields }: Subscription) => secretFields.includes('sharedSecret'),
  },
  secret: true,
  option: {
    flags: '--secret <secret>',
    help: 'the secret that signs notifications, which are not signed without it: env:NAME, @file, @- for stdin, or the secret itself',
  },
  file: { variable: 'SECRET', shownBy: 'hasSharedSecret' },
  merge: (given: string | null | undefined, { saved }: MergeContext) =>
    given === undefined ? (saved?.secrets.sharedSecret ?? null) : given,
  check: (secret: string) => [...secretProblems(secret), ...spaceWarnings('sharedSecret', secret)],
} as const satisfies Field;

/** Returns why a shared secret can't be stored; an empty list when it can, or when it is `null`. */
export function secretProblems(secret: string | null): Problem[] {
  const field = 'sharedSecret';
  if (secret === '') return [{ field, message: "can't be empty; pass null to remove it" }];
  if (secret !== null && secret.length > MAX_SECRET_LENGTH) return [tooLong(field, secret.length, MAX_SECRET_LENGTH)];
  return secret === null || isStorable(secret)
    ? []
    : [{ field, message: 'contains the character U+0000 or half of a surrogate pair, which cannot be stored' }];
}

/** Warns of a secret that begins or ends with white space. It is stored as given, but was probably pasted with a line break. */
export function spaceWarnings(field: string, secret: string | null | undefined): Problem[] {
  if (!secret || secret === secret.trim()) return [];
  const where = secret === secret.trimEnd() ? 'begins' : secret === secret.trimStart() ? 'ends' : 'begins and ends';
  return [{ field, message: `${where} with white space, which is part of the secret; was it pasted by mistake?`, severity: 'warning' }];
}

export const SIGNATURES = {
  name: 'signatures',
  type: { kind: 'LIST', of: SIGNATURE_ENUM },
  description: 'The signature schemes, one or more. All schemes except SCOPE need a `sharedSecret`.',
  output: { description: 'The schemes that sign notifications.', required: true },
  default: ['SCOPE'],
  option: { flags: '--signature <scheme>', help: 'a signature scheme: SCOPE, STANDARD_WEBHOOKS …; can be repeated' },
} as const satisfies Field;

export interface Header {
  name: string;
  /** The value to send; `null` when the header is new and was given without a value, which the check rejects. */
  value: string | null;
}

export const HEADERS = {
  name: 'headers',
  type: {
    kind: 'LIST',
    of: {
      kind: 'RECORD',
      input: { typename: 'WebhookHeaderInput', description: 'A custom header to send with each notification.' },
      output: { typename: 'WebhookHeader', description: 'A custom header that is sent with each notification. Its value is a secret.' },
      fields: [
        { name: 'name', type: { kind: 'TEXT' }, description: 'The name of the header.', output: { required: true } },
        {
          name: 'value',
          type: { kind: 'TEXT' },
          description: 'The value of the header. When absent, a header of this name keeps its value.',
          secret: true,
          output: false,
        },
      ],
    },
  },
  description: "Custom headers to send in addition to Hookgraph's headers. Their values are never returned.",
  output: {
    description: "The custom headers that are sent in addition to Hookgraph's headers.",
    required: true,
    read: ({ definition }: Subscription) => definition.headerNames.map((name) => ({ name })),
  },
  default: [],
  options: [
    {
      flags: '--header <header>',
      help: 'a custom header as "name: value"; the value may be env:NAME or @file; can be repeated',
      isRepeated: true,
    },
  ],
  file: {
    write: ({ headers }, secret) => (headers as Header[]).map(({ name }) => ({ name, value: secret(name) })),
    asReturned: (headers: readonly Header[]) => headers.map(({ name }) => name).sort(),
  },
  merge: mergeHeaders,
  check: headerProblems,
  store: (headers: Header[]) => ({
    definition: { headerNames: headers.map(({ name }) => name) },
    ...(headers.length > 0 && { secrets: { headers: Object.fromEntries(headers.map(({ name, value }) => [name, value ?? ''])) } }),
  }),
} as const satisfies Field;

function mergeHeaders(
  given: readonly { name?: string | null; value?: string | null }[] | null | undefined,
  { saved }: MergeContext,
): Header[] {
  const kept = new Map(Object.entries(saved?.secrets.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const keptValue = (name: string) => kept.get(name.toLowerCase()) ?? null;
  if (given === undefined) return (saved?.definition.headerNames ?? []).map((name) => ({ name, value: keptValue(name) }));
  return (given ?? []).map(({ name: written, value }) => {
    const name = (written ?? '').trim();
    return { name, value: (value === undefined ? keptValue(name) : value)?.trim() ?? null };
  });
}

/** Header names that custom headers must not have: Hookgraph, HTTP or a signature scheme sets them, or they are hop-by-hop. */
export const RESERVED_HEADERS = new Set(
  `connection content-digest content-encoding content-length content-type date expect host http2-settings keep-alive proxy-authenticate proxy-authorization
  proxy-connection signature signature-input te trailer transfer-encoding upgrade user-agent webhook-id webhook-signature webhook-timestamp
  x-servo-signature x-signature`.split(/\s+/),
);

function headerProblems(headers: readonly Header[], { engine }: CheckContext): Problem[] {
  const prefix = engine.settings.headerPrefix.toLowerCase();
  const problem = (message: string): Problem => ({ field: 'headers', message });
  if (headers.length > MAX_HEADERS) return [problem(`has ${headers.length} headers; the limit is ${MAX_HEADERS}`)];
  const seen = new Set<string>();
  return headers.flatMap(({ name, value }) => {
    const lower = name.toLowerCase();
    const quoted = JSON.stringify(name.slice(0, MAX_HEADER_NAME_LENGTH));
    // RFC 9110 defines the syntax of a field name: https://www.rfc-editor.org/rfc/rfc9110#section-5.1
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || name.length > MAX_HEADER_NAME_LENGTH)
      return [problem(`${quoted} is not a valid header name`)];
    if (RESERVED_HEADERS.has(lower) || lower.startsWith(prefix) || lower === '__proto__') return [problem(`${quoted} is reserved`)];
    if (seen.has(lower)) return [problem(`${quoted} is given twice`)];
    seen.add(lower);
    if (value === null || value === '') return [problem(`${quoted} has no value`)];
    if (value.length > MAX_HEADER_VALUE_LENGTH)
      return [problem(`${quoted} has a value of ${value.length} characters, more than ${MAX_HEADER_VALUE_LENGTH}`)];
    // The message must not contain the value, which is a secret.
    return /^[\t\u0020-\u007E]+$/.test(value)
      ? []
      : [problem(`${quoted} has a value with a line break or another character that a header may not contain`)];
  });
}
