// Verifies SCOPE signatures: base64 of the HMAC-SHA256 of the body. Neither the id nor the time is signed.
import { createHmac } from 'node:crypto';
import { anyMakes, type Message, readIsoTime, type Verdict } from './message.js';

export function verifyScope(message: Message, secrets: readonly string[]): Verdict {
  const given = message.own('Hmac-Sha256');
  return verifyBody(message, given, (secret) => createHmac('sha256', secret).update(message.body).digest('base64'), secrets);
}

/**
 * Verifies a scheme that signs only the body. The time isn't signed, so checking it stops only the replay of an unchanged
 * request.
 */
export function verifyBody(message: Message, given: string | null, make: (secret: string) => string, secrets: readonly string[]): Verdict {
  if (given === null || given === '') return { code: 'SIGNATURE_MISSING', message: 'The request has no signature.' };
  if (!anyMakes(secrets, make, given)) return { code: 'SIGNATURE_WRONG', message: 'The signature does not match this body and secret.' };
  const time = readIsoTime(message.own('Time') ?? '');
  if (!time) return { code: 'TIMESTAMP_MISSING', message: `The request has no valid time in the header ${message.nameOfOwn('Time')}.` };
  return { id: message.own('Webhook-Job-Id'), topic: message.own('Topic'), covers: ['body'], timestamp: time };
}
