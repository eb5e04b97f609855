// Explains each reason of a delivery's state, for the reference.
import {
  type COALESCED,
  type LOOP,
  type NextState,
  type OPERATOR,
  type ORDER,
  REPLAY_OBSTACLES,
  type SLOW,
} from '../src/webhooks/base/store/delivery-state.js';

type Reason =
  | NonNullable<NextState['reason']>
  | typeof COALESCED
  | typeof LOOP
  | typeof OPERATOR
  | typeof ORDER
  | typeof SLOW
  | 'DELETED'
  | 'REFUSED'
  | 'ALLOWED';
const obstacles = Object.entries(REPLAY_OBSTACLES).map(([code, sentence]) => [code, `SKIPPED, by a replay: ${sentence}`]);

export const REASONS: Record<Reason, string> = {
  ...(Object.fromEntries(obstacles) as Record<keyof typeof REPLAY_OBSTACLES, string>),
  VALIDATION: 'SKIPPED: the validation template rendered `false`.',
  GONE: 'SKIPPED: the node of a snapshot was deleted, or moved to another organization, before it was sent.',
  DISABLED: 'SKIPPED: the subscription was disabled when the event happened. HELD: it was disabled later.',
  BROKEN: 'HELD: the definition of the subscription no longer works. The delivery continues when the definition is corrected.',
  NODE: 'HELD: the query of this node produced nothing that can be sent. The message of the attempt says why.',
  OPERATOR:
    'PENDING or RETRYING: waits, uncharged, until the operator corrects a fault; tried after 2 seconds, later with pauses of up to 5 minutes, and at once when another delivery of the subscription could be built.',
  SLOW: 'PENDING or RETRYING: the stored query exceeded its time limit. It runs again after 4 seconds, later with pauses of up to 5 minutes, uncharged. If it is too slow again after a pause of 4 minutes, the delivery is HELD.',
  LOOP: 'PENDING: the last notifications about the node were each followed by a write of the owner to the node, which caused the next one. They are sent with pauses that grow from 1 second to a minute.',
  ORDER: 'PENDING: the subscription is ordered, and an earlier delivery of the same node has not ended yet: see `waitsFor`.',
  COALESCED:
    'SKIPPED: a later delivery of the same node replaced it, because the subscription has the ordering LATEST_ONLY: see `replacedBy`.',
  UNREAD: 'SKIPPED: the change touched no field that the query or a template reads, and the subscription has `skipUnread`.',
  DELETED: 'CANCELLED: the subscription was deleted.',
  REFUSED:
    'DELIVERED: the before-hook refused the write. FAILED: it could not be called or failed, and `onFailure: REFUSE` refused the write.',
  ALLOWED: 'FAILED: the before-hook could not be called or failed, and `onFailure: ALLOW` let the write proceed.',
};
