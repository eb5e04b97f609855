// Verifies SCALR signatures: hex of the HMAC-SHA256 of the body followed by the value of the `Date` header. The id isn't
// signed.
import { createHmac } from 'node:crypto';
import { anyMakes, type Message, type Verdict } from './message.js';

export function verifyScalr(message: Message, secrets: readonly string[]): Verdict {
  const given = message.header('x-signature');
  if (given === null || given === '') return { code: 'SIGNATURE_MISSING', message: 'The request has no signature.' };
  const date = message.header('date') ?? '';
  const time = new Date(date);
  // Accepts the date only in the form of toUTCString(): it is signed directly after the body, so a looser form would let
  // an attacker move bytes between body and date.
  if (Number.isNaN(time.getTime()) || time.toUTCString() !== date)
    return { code: 'TIMESTAMP_MISSING', message: 'The request has no valid Date header (RFC 7231).' };
  const make = (secret: string) => createHmac('sha256', secret).update(message.body).update(date).digest('hex');
  if (!anyMakes(secrets, make, given))
    return { code: 'SIGNATURE_WRONG', message: 'The signature does not match this body, date and secret.' };
  return { id: message.own('Webhook-Job-Id'), topic: message.own('Topic'), covers: ['body', 'timestamp'], timestamp: time };
}
