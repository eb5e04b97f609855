// Says what the owner of a subscription can check when a receiver refuses a request because of its signature or credentials.
import type { Compiled } from '../base/compiled.js';

/** The parts of a definition that prove to the receiver who sends. */
export type Proof = Pick<Compiled, 'auth' | 'destination' | 'sharedSecret' | 'signatures'>;

/** Returns the advice for a status of the receiver; '' when there is none. AWS explains its refusals itself. */
export function adviceOnRefusal(status: number, { auth, destination, sharedSecret, signatures }: Proof): string {
  if ((status !== 401 && status !== 403) || destination.field !== 'callbackUrl') return '';
  const advice: string[] = [];
  if (auth) advice.push('Check the credentials of `auth`.');
  if (sharedSecret !== null)
    advice.push(
      `The request was signed with ${signatures.join(' and ')}: does the receiver have the same secret, and does it verify the exact bytes of the body? The page "My signature doesn't match" lists the usual causes.`,
    );
  else if (!auth)
    advice.push(
      'The request was not signed, because the subscription has no shared secret. If the receiver verifies signatures, set its secret as `sharedSecret`.',
    );
  return ` ${advice.join(' ')}`;
}
