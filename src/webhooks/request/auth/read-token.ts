// Reads the access token from a token endpoint's response, or explains why there is none and how to correct it.
import { readSlowDown, type SlowDown } from '../../base/slow-down.js';
import { createCleaner } from '../redact-echo.js';
import { formEncoded, type OAuth2, secretsOf } from './credentials.js';

/** An access token with its expiry, or a message that tells the owner of the subscription why there is none. */
export type Token = { token: string; expiresAtMs: number } | { failed: string; slowDown?: SlowDown };

export type TokenAnswer =
  | { kind: 'REPLY'; status: number; headers: Record<string, string>; body: string }
  | { kind: 'NO_REPLY'; message: string };

/**
 * Milliseconds for which a token is cached when the token endpoint names no lifetime (`expires_in`). If the receiver answers 401, a new
 * token is fetched earlier.
 */
const DEFAULT_LIFE_MS = 5 * 60_000;
const MAX_LIFE_MS = 24 * 60 * 60_000;
const MARGIN_MS = 60_000;
/** Maximum length of a token in characters. Servers usually accept about this length for all headers together. */
export const MAX_TOKEN_LENGTH = 8_192;
const MAX_SHOWN_LENGTH = 300;
const MAX_FIELDS = 10;

/**
 * Reads the token from a response. Accepts common deviations from RFC 6749: any 2xx status, no `token_type`, `expires_in` as text or
 * `null`, and a form instead of JSON.
 */
export function readToken(auth: OAuth2, answer: TokenAnswer, nowMs: number): Token {
  if (answer.kind === 'NO_REPLY') return { failed: `The token endpoint gave no answer: ${answer.message}` };
  const { status, body } = answer;
  const fields = fieldsOf(body);
  const token = fields?.access_token;
  if (status < 200 || status > 299 || typeof token !== 'string' || token === '') {
    const slowDown = readSlowDown(status, answer.headers);
    return { failed: describe(auth, answer, fields), ...(slowDown && { slowDown }) };
  }
  const type = fields?.token_type;
  // Many endpoints use other names for bearer tokens, such as `BearerToken`, `JWT` or eBay's `Application Access Token`.
  if (/^(mac|dpop|pop|n_a|http-?signature)\b/i.test(String(type ?? '')))
    return {
      failed: `The token endpoint answered with a token of the type ${shown(auth, String(type))}; only bearer tokens can be sent.`,
    };
  if (token.length > MAX_TOKEN_LENGTH)
    return { failed: `The token endpoint answered with a token of ${token.length} characters; the limit is ${MAX_TOKEN_LENGTH}.` };
  if (!/^[\x21-\x7e]+$/.test(token))
    return { failed: 'The token endpoint answered with a token that contains characters a header may not contain.' };
  return { token, expiresAtMs: nowMs + cachedMs(fields?.expires_in) };
}

function cachedMs(lifetime: unknown): number {
  const seconds = typeof lifetime === 'string' && lifetime !== '' ? Number(lifetime) : lifetime;
  const known = typeof seconds === 'number' && seconds > 0;
  const lifeMs = known ? Math.min(seconds * 1000, MAX_LIFE_MS) : DEFAULT_LIFE_MS;
  return lifeMs - Math.min(MARGIN_MS, lifeMs / 10);
}

function describe(auth: OAuth2, answer: Extract<TokenAnswer, { kind: 'REPLY' }>, fields: Record<string, unknown> | null): string {
  const { status, headers } = answer;
  const error = typeof fields?.error === 'string' ? fields.error : null;
  const failed = status < 200 || status > 299;
  // Other fields are shown only for a failed request: a successful response may contain a token in any of them:
  // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
  const candidates = [error, fields?.error_description, ...(failed && error === null ? otherMessages(fields) : [])];
  const texts = candidates.filter((text): text is string => typeof text === 'string' && text !== '');
  const what =
    texts.length > 0
      ? `: ${texts.map((text) => shown(auth, text)).join(': ')}`
      : failed
        ? ''
        : fields === null
          ? `, but not with JSON${shownType(headers)}`
          : `, but without an access_token${shownNames(fields)}`;
  return [`The token endpoint answered with status ${status}${what}.`, adviceFor(auth, status, error)].filter(Boolean).join(' ');
}

/** Returns the values of fields in which endpoints that don't follow RFC 6749 explain an error. */
function otherMessages(fields: Record<string, unknown> | null): unknown[] {
  const { error, message, detail, errorSummary } = fields ?? {};
  return [(error as { message?: unknown } | null | undefined)?.message, message, detail, errorSummary];
}

/**
 * Makes a text of the token endpoint fit for an error message: redacts secrets, truncates it, and removes control characters. Redacts
 * before truncating, so that no part of a secret is shown.
 */
function shown(auth: OAuth2, text: string): string {
  const clean = createCleaner(secretsOf(auth))(text);
  const short = clean.length > MAX_SHOWN_LENGTH ? `${clean.slice(0, MAX_SHOWN_LENGTH)}…` : clean;
  return short.replace(/\p{Cc}+/gu, ' ').replace(/\.$/, '');
}

const shownType = (headers: Record<string, string>): string => {
  const [type] = /^[\w.+/-]{1,100}/.exec(headers['content-type'] ?? '') ?? [];
  return type === undefined ? '' : ` (Content-Type: ${type})`;
};

function shownNames(fields: Record<string, unknown>): string {
  const names = Object.keys(fields)
    .filter((name) => /^\w{1,40}$/.test(name))
    .slice(0, MAX_FIELDS);
  return names.length === 0 ? '' : `; the answer has the fields ${names.join(', ')}`;
}

const ADVICE: Record<string, string> = {
  invalid_scope: 'Check `scope`.',
  invalid_target: 'Check `audience`.',
  access_denied: "Allow this client the scope and the audience at the token endpoint's server, and check `scope` and `audience`.",
  unauthorized_client: "Allow the grant client_credentials for this client at the token endpoint's server.",
  unsupported_grant_type: "Allow the grant client_credentials for this client at the token endpoint's server, and check `tokenUrl`.",
};

/** Returns advice for the subscription's owner; '' when there is none. */
function adviceFor(auth: OAuth2, status: number, error: string | null): string {
  if (error !== null && Object.hasOwn(ADVICE, error)) return ADVICE[error] as string;
  const isPost = auth.clientAuthentication === 'POST';
  const sent = isPost
    ? 'were sent in the body; `clientAuthentication: BASIC` sends them in the Authorization header'
    : 'were sent in the Authorization header; `clientAuthentication: POST` sends them in the body';
  const encoded = !isPost && isEncoded(auth) ? ` ${ENCODED}` : '';
  if (error === 'invalid_client' || status === 401) return `Check \`clientId\` and \`clientSecret\`, which ${sent}.${encoded}`;
  if (error === 'invalid_request') return `Check \`scope\` and \`audience\`. The client's id and secret ${sent}.${encoded}`;
  if (status >= 300 && status < 400) return 'Redirects are never followed: set `tokenUrl` to the address that the redirect leads to.';
  if (status < 300 || status === 404 || status === 405) return 'Check `tokenUrl`.';
  if (error === null && status < 500 && status !== 429)
    return `Check \`tokenUrl\`, \`scope\` and \`audience\`. The client's id and secret ${sent}.`;
  return '';
}

const ENCODED = 'They contain characters that RFC 6749 percent-encodes there; an endpoint that does not decode them needs POST.';

const isEncoded = ({ clientId, secrets }: OAuth2): boolean =>
  [clientId, secrets.clientSecret ?? ''].some((text) => formEncoded(text) !== text);

function fieldsOf(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return formFieldsOf(body.trim());
  }
}

/** Returns the fields of a response in the form of an HTML form, as older endpoints send it; `null` for other texts. */
function formFieldsOf(text: string): Record<string, string> | null {
  if (text.length > 2 * MAX_TOKEN_LENGTH || /[\s<{]/.test(text)) return null;
  const fields = Object.fromEntries(new URLSearchParams(text));
  return 'access_token' in fields || 'error' in fields ? fields : null;
}
