// Lists the promises that a pair of signer and verifier breaks. A correct pair refuses every altered, old or forged
// request.
import type { SignedRequest } from './signed-request.js';

export interface Asked {
  secret: string;
  at: Date;
  id: string;
  body: string;
}

export interface Pair {
  sign(asked: Asked): SignedRequest;
  accepts(request: SignedRequest, secret: string, now: Date): Promise<boolean> | boolean;
  secret: string;
  /** Another secret in the same format, which must not verify. */
  otherSecret: string;
  /** The header that holds the signature. */
  header: string;
  /** The other headers that the scheme signs, and which must therefore not be altered. */
  signed: readonly string[];
  /** `false` when the time of the request isn't signed, so a request with a changed time is accepted. */
  timed?: boolean;
  /** `false` when the verifier accepts only JSON. */
  anyBody?: boolean;
}

const BODIES = ['{"name":"Zoë","n":1}\n', '{}', '<?xml version="1.0"?>\r\n<data>&#233;</data>', '"\u2028 \u{1F600}\\u0000"'];
const TOLERANCE_MS = 300_000;

export async function breachesOf(pair: Pair): Promise<string[]> {
  const now = new Date();
  const breaches: string[] = [];
  const asked: Asked = { secret: pair.secret, at: now, id: '7346', body: BODIES[0] as string };
  const sign = (over: Partial<Asked> = {}) => pair.sign({ ...asked, ...over });
  const check = async (name: string, expected: boolean, request: SignedRequest, secret = pair.secret) => {
    if ((await pair.accepts(request, secret, now)) !== expected) breaches.push(expected ? `refuses ${name}` : `accepts ${name}`);
  };
  const accepts = (name: string, request: SignedRequest) => check(name, true, request);
  const refuses = (name: string, request: SignedRequest, secret?: string) => check(name, false, request, secret);

  for (const [index, body] of BODIES.entries())
    if (pair.anyBody !== false || !body.startsWith('<')) await accepts(`good body ${index}`, sign({ body }));
  const good = sign();
  const { [pair.header]: signature = '', ...unsigned } = good.headers;
  const withHeader = (name: string, value: string): SignedRequest => ({ ...good, headers: { ...good.headers, [name]: value } });
  const withBody = (...parts: Uint8Array[]): SignedRequest => ({ ...good, body: Buffer.concat(parts) });

  for (const [position, byte] of good.body.entries()) {
    const flipped = Buffer.from(good.body);
    // An ASCII byte stays ASCII, so that a verifier which reads text sees the change.
    flipped[position] = byte < 0x80 ? byte ^ 1 : byte ^ 2;
    await refuses(`an altered byte ${position}`, { ...good, body: flipped });
  }
  await refuses('a byte more', withBody(good.body, Buffer.from(' ')));
  await refuses('a byte before', withBody(Buffer.from(' '), good.body));
  await refuses('a byte less', withBody(good.body.subarray(0, -1)));
  await refuses('no body', withBody());
  await refuses('a body of another request', { ...good, body: sign({ body: BODIES[1] as string }).body });

  for (const name of pair.signed) {
    const value = good.headers[name] as string;
    await refuses(`another ${name}`, withHeader(name, altered(value)));
    await refuses(`no ${name}`, { ...good, headers: Object.fromEntries(Object.entries(good.headers).filter(([own]) => own !== name)) });
    // Takes the value from a genuine request that was signed at another time and with another id.
    const other = sign({ id: '7347', at: new Date(now.getTime() - 60_000), body: BODIES[1] as string }).headers[name];
    if (other !== value) await refuses(`the ${name} of another request`, withHeader(name, other as string));
  }

  await accepts('a request 290 s old', sign({ at: new Date(now.getTime() - TOLERANCE_MS + 10_000) }));
  const stale = sign({ at: new Date(now.getTime() - TOLERANCE_MS - 5_000) });
  await refuses('a stale request', stale);
  await refuses('a request from the future', sign({ at: new Date(now.getTime() + TOLERANCE_MS + 5_000) }));
  if (pair.timed !== false) {
    const dates = Object.entries(good.headers).filter(([name, value]) => name !== pair.header && value !== stale.headers[name]);
    await refuses('a stale request that was dated anew', { ...stale, headers: { ...stale.headers, ...Object.fromEntries(dates) } });
  }

  await refuses('another secret', sign({ secret: pair.otherSecret }));
  await refuses('a request by a receiver with another secret', good, pair.otherSecret);
  await refuses('no signature', { ...good, headers: unsigned });
  await refuses('an empty signature', withHeader(pair.header, ''));
  const [label, given] = splitLabel(signature);
  for (const [name, value] of Object.entries(forgeries(given)))
    if (value !== given) await refuses(name, withHeader(pair.header, label(value)));
  return breaches;
}

function forgeries(given: string): Record<string, string> {
  return {
    'a signature without a value': '',
    'a signature in capitals': given.toUpperCase(),
    'a signature in small letters': given.toLowerCase(),
    'a signature in hex for base64, or the other way round': /^[0-9a-f]+$/.test(given)
      ? Buffer.from(given, 'hex').toString('base64')
      : Buffer.from(given, 'base64').toString('hex'),
    'a signature cut short': given.slice(0, -2),
    'half a signature': given.slice(0, given.length / 2),
    'a signature with something behind it': `${given}A`,
    'a signature given twice': `${given}${given}`,
    'another signature': altered(given),
  };
}

/** Separates the label of `v1,…`, `up42-sig=…` and `sig1=:…:` from the value, so that only the value is forged. */
function splitLabel(signature: string): [(value: string) => string, string] {
  const [, before = '', value = '', after = ''] = /^(v1a?,|up42-sig=|sig1=:|)(.*?)(:?)$/.exec(signature) ?? [];
  return [(other) => `${before}${other}${after}`, value];
}

/** Returns the value with one letter or digit changed. */
function altered(value: string): string {
  const at = value.search(/[0-9a-zA-Z](?=[^0-9a-zA-Z]*$)/);
  const old = value[at] as string;
  // The last bits before base64's padding are ignored, so the replacement must differ in the higher bits.
  if (value[at + 1] === '=') return `${value.slice(0, at)}${/[A-P]/.test(old) ? 'Q' : 'A'}${value.slice(at + 1)}`;
  const next = /\d/.test(old) ? String((Number(old) + 1) % 10) : old === 'b' ? 'c' : 'b';
  return `${value.slice(0, at)}${next}${value.slice(at + 1)}`;
}
