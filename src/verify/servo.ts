// Verifies SERVO signatures: hex of the HMAC-SHA1 of the body. Neither the id nor the time is signed.
import { createHmac } from 'node:crypto';
import type { Message, Verdict } from './message.js';
import { verifyBody } from './scope.js';

export function verifyServo(message: Message, secrets: readonly string[]): Verdict {
  const given = message.header('x-servo-signature');
  return verifyBody(message, given, (secret) => createHmac('sha1', secret).update(message.body).digest('hex'), secrets);
}
