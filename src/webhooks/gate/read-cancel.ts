// A receiver's answer -> the reason for which it cancels the write, or null.

/** Servo's media type (contracts, section 6). */
const CANCEL_TYPE = 'application/vnd.opsani.servo.errors.canceleventerror+json';

/** Characters of a reason that are told. */
const MAX_REASON_LENGTH = 1_000;

const NO_REASON = 'no reason was given';

/** By its status and type alone: one that says why in a way that can't be read cancels too. */
export function readCancel(answer: { kind: string; status?: number; headers?: Record<string, string>; body?: string }): string | null {
  if (answer.kind !== 'REPLY' || answer.status !== 200) return null;
  const type = answer.headers?.['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== CANCEL_TYPE) return null;
  const reason = reasonIn(answer.body ?? '').trim();
  const characters = [...reason];
  if (characters.length > MAX_REASON_LENGTH) return `${characters.slice(0, MAX_REASON_LENGTH).join('')}…`;
  return reason === '' ? NO_REASON : reason;
}

function reasonIn(body: string): string {
  try {
    const { reason } = JSON.parse(body) as { reason?: unknown };
    return typeof reason === 'string' ? reason : '';
  } catch {
    return '';
  }
}
