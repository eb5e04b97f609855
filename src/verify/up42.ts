// Verifies UP42 signatures: base64 of the HMAC-SHA256 of the values of the listed headers, concatenated without
// separators.
import { createHmac } from 'node:crypto';
import { DIGEST_WRONG, isDigestRight } from './digest.js';
import { anyMakes, type Message, readIsoTime, readSeconds, type Verdict } from './message.js';

const INPUT = /^up42-sig=\(("[a-z0-9-]+"(?: "[a-z0-9-]+")*)\);created=(\d+)$/;
const SIGNATURE = /^up42-sig=([A-Za-z0-9+/]+={0,2})$/;

export function verifyUp42(message: Message, secrets: readonly string[]): Verdict {
  const [inputText, signatureText] = [message.header('signature-input'), message.header('signature')];
  if (!inputText || !signatureText) return { code: 'SIGNATURE_MISSING', message: 'The request has no signature.' };
  const input = INPUT.exec(inputText);
  const signature = SIGNATURE.exec(signatureText)?.[1];
  const created = readSeconds(input?.[2] ?? '');
  if (!input || !signature || !created)
    return { code: 'SIGNATURE_MALFORMED', message: 'The headers signature-input and signature are not valid for UP42.' };
  const names = (input[1] as string).slice(1, -1).split('" "');
  const values = names.map((name) => message.header(name));
  const make = (secret: string) => createHmac('sha256', secret).update(values.join('')).digest('base64');
  if (values.includes(null) || !anyMakes(secrets, make, signature))
    return { code: 'SIGNATURE_WRONG', message: 'The signature does not match these headers and this secret.' };
  // Neither the list of headers nor `created` is signed, and values are concatenated without separators. The checks below
  // make sure that the signed bytes can be split into time, id, other values and digest in one way only.
  const [time, id] = [readIsoTime(values[0] ?? ''), values[1] ?? ''];
  const isList =
    names[0] === message.nameOfOwn('Time') && names[1] === message.nameOfOwn('Webhook-Job-Id') && names.at(-1) === 'content-digest';
  if (!isList || new Set(names).size !== names.length || !time || !/^\d+$/.test(id) || /^(\d|$)/.test(values[2] ?? ''))
    return {
      code: 'NOT_COVERED',
      message: `The signed headers must be ${message.nameOfOwn('Time')}, ${message.nameOfOwn('Webhook-Job-Id')}, …, content-digest.`,
    };
  if (Math.floor(time.getTime() / 1000) * 1000 !== created.getTime())
    return { code: 'SIGNATURE_MALFORMED', message: 'The parameter `created` differs from the signed time.' };
  if (!isDigestRight(message)) return DIGEST_WRONG;
  const topic = names[2] === message.nameOfOwn('Topic') && names.length === 4;
  return {
    id,
    topic: message.own('Topic'),
    covers: ['body', 'timestamp', 'id', ...(topic ? (['topic'] as const) : [])],
    timestamp: time,
  };
}
