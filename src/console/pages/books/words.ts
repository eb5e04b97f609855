// The words for outcomes and their reasons.
import { REASON_TEXTS } from '../history/words';
import type { Account } from './queries';

export const CODE_TEXTS: Record<Account['code'], string> = {
  DELIVERED: 'Delivered',
  SKIPPED: 'Skipped',
  FAILED: 'Failed',
  HELD: 'Held',
  CANCELLED: 'Cancelled',
  PENDING: 'To come',
  SLOWED: 'To come, slowed down',
  NOT_DUE: 'Not due',
  FORGOTTEN: 'Forgotten',
  MISSING: 'Missing',
};

const USUAL: Record<Account['code'], string> = {
  DELIVERED: 'The receiver accepted the notification.',
  SKIPPED: 'It was decided not to send it.',
  FAILED: 'All attempts failed. The delivery can be resent.',
  HELD: 'It waits until the webhook is corrected.',
  CANCELLED: 'The webhook was deleted.',
  PENDING: 'It is still to be sent.',
  SLOWED: 'It is still to be sent. The webhook is slowed down.',
  NOT_DUE: 'The webhook was not to get it.',
  FORGOTTEN: 'The delivery was deleted with old history.',
  MISSING: 'There is no delivery and no reason for that: a fault of this installation.',
};

const OTHER_REASONS: Record<string, string> = {
  OLDER_THAN_SUBSCRIPTION: 'It happened before the webhook was created.',
  WHILE_CREATED: 'It happened while the webhook was being created.',
  OTHER_ENVIRONMENT: 'It belongs to an environment that the webhook leaves out.',
  OTHER_DEFINITION_THEN: 'The webhook or its topic was defined otherwise at that time.',
  ABOUT_SUBSCRIPTION_TOPICS: 'It is about webhooks themselves, and would notify in a loop.',
  NOT_RELAYED: 'It was just recorded, and waits for a worker.',
  RETRYING: 'An attempt failed, and the next one is due.',
  SLOWED: 'The receiver asked for fewer notifications.',
  PROBING: 'The receiver keeps failing, so one delivery at a time is tried.',
};

export const whyOf = ({ code, reason }: Pick<Account, 'code' | 'reason'>): string =>
  reason === null ? USUAL[code] : (OTHER_REASONS[reason] ?? REASON_TEXTS[reason] ?? reason);
