// Verifies HTTP_MESSAGE_SIGNATURES, which follow https://www.rfc-editor.org/rfc/rfc9421 with hmac-sha256 and sign the
// digest of RFC 9530.
import { createHmac } from 'node:crypto';
import { DIGEST_WRONG, isDigestRight } from './digest.js';
import { anyMakes, type Message, readSeconds, type Verdict } from './message.js';
import { type InnerList, readBytes, readInnerLists } from './structured-fields.js';

/** Maximum number of signatures in a request. A secret rotation needs only two. */
const MAX_SIGNATURES = 16;

export function verifyHttpMessageSignatures(message: Message, secrets: readonly string[]): Verdict {
  const { url } = message;
  if (!url) throw new TypeError('url must be the URL that the request was sent to, because its host and path are signed.');
  const [inputText, signatureText] = [message.header('signature-input'), message.header('signature')];
  if (!inputText || !signatureText) return { code: 'SIGNATURE_MISSING', message: 'The request has no signature.' };
  const [inputs, signatures] = [readInnerLists(inputText), readBytes(signatureText)];
  if (!inputs || !signatures || inputs.size > MAX_SIGNATURES)
    return { code: 'SIGNATURE_MALFORMED', message: 'The headers Signature-Input and Signature are not valid (RFC 9421).' };
  const right = [...inputs].flatMap(([label, input]) => {
    const signature = signatures.get(label);
    return signature !== undefined && isRight(message, url, secrets, input, signature) ? [input] : [];
  });
  if (right.length === 0) return { code: 'SIGNATURE_WRONG', message: 'No signature matches this request and secret.' };
  const lacks = right.map((input) => lackOf(message, url, input));
  const enough = right[lacks.indexOf(null)];
  if (!enough) return { code: 'NOT_COVERED', message: `The signature does not cover ${lacks[0]}.` };
  if (!isDigestRight(message)) return DIGEST_WRONG;
  const topic = enough.names.includes(message.nameOfOwn('Topic'));
  return {
    id: message.own('Webhook-Job-Id'),
    topic: message.own('Topic'),
    covers: ['body', 'timestamp', 'id', ...(topic ? (['topic'] as const) : [])],
    timestamp: createdOf(enough) as Date,
  };
}

function isRight(message: Message, url: URL, secrets: readonly string[], input: InnerList, given: string): boolean {
  if (input.parameters.has('alg') && input.parameters.get('alg') !== '"hmac-sha256"') return false;
  if (new Set(input.names).size !== input.names.length) return false;
  const values = input.names.map((name) => (name.startsWith('@') ? derived(message, url, name) : message.header(name)));
  if (values.includes(null)) return false;
  const lines = input.names.map((name, index) => `"${name}": ${values[index]?.trim()}\n`).join('');
  const base = `${lines}"@signature-params": ${input.text}`;
  return anyMakes(secrets, (secret) => createHmac('sha256', secret).update(base).digest('base64'), given);
}

/** Returns the value of a derived component such as `@path`, as https://www.rfc-editor.org/rfc/rfc9421#section-2.2 defines it. */
function derived({ method }: Message, url: URL, name: string): string | null {
  const { host, pathname, search, protocol, href, hash } = url;
  const values: Record<string, string> = {
    '@method': method,
    '@authority': host,
    '@path': pathname,
    '@query': search || '?',
    '@scheme': protocol.slice(0, -1),
    '@request-target': `${pathname}${search}`,
    '@target-uri': href.slice(0, href.length - hash.length),
  };
  return values[name] ?? null;
}

/** Returns the first required component that isn't signed, or the missing creation time; `null` when nothing is missing. */
function lackOf(message: Message, url: URL, input: InnerList): string | null {
  const address = input.names.includes('@target-uri') ? [] : ['@authority', '@path', ...(url.search === '' ? [] : ['@query'])];
  const own = ['Webhook-Job-Id', 'Time'].map(message.nameOfOwn);
  const lack = ['@method', ...address, 'content-digest', 'content-type', ...own].find((name) => !input.names.includes(name));
  return lack ?? (createdOf(input) ? null : 'its creation time');
}

const createdOf = (input: InnerList): Date | null => readSeconds(input.parameters.get('created') ?? '');
