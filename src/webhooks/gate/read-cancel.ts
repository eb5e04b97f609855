// Reads from a before-hook's response whether the hook cancels the write, and why.
import { parseMediaType } from '../../runtime/media-type.js';

/** Media type of the response by which a receiver cancels the write: docs/wire-formats.md#before-hooks */
const CANCEL_TYPE = 'application/vnd.opsani.servo.errors.canceleventerror+json';

/** Maximum number of characters of the reason; the rest is cut off. */
const MAX_REASON_LENGTH = 1_000;

const NO_REASON = 'no reason was given';

/**
 * Returns the reason why the receiver cancels the write; `null` when the write may proceed. Only the status 200 and the media type decide,
 * so a response with an unreadable reason still cancels.
 */
export function readCancel(answer: { kind: string; status?: number; headers?: Record<string, string>; body?: string }): string | null {
  if (answer.kind !== 'REPLY' || answer.status !== 200) return null;
  if (parseMediaType(answer.headers?.['content-type'])?.essence !== CANCEL_TYPE) return null;
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
