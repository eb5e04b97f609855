// Returns the notifications of a numbered subscription after a number, with the bodies that were sent, for a receiver that missed some.
import type { Engine } from '../base/engine.js';
import type { Actor, Attempt, Delivery } from '../base/model.js';
import { attemptsByIds } from '../base/store/attempts.js';
import { deliveriesByIds } from '../base/store/deliveries.js';
import { numbersAfter } from '../base/store/sequences.js';

/** Whether the body of a notification is available (exact or masked), and if not, why. */
export const BODY_STATES = {
  EXACT: 'The body is what was sent.',
  MASKED: 'The body is what was sent, but `recording.maskedPaths` of the subscription masked values.',
  NOT_RECORDED:
    'The body was not recorded, because `recording.bodies` of the subscription is false, or the values to mask could not be found.',
  NOT_SENT: 'No attempt is recorded. If the delivery is pending or retrying, it is still to be sent.',
  DELETED: 'The body is older than what this installation keeps.',
} as const;
export type BodyState = keyof typeof BODY_STATES;

export interface NumberedDelivery {
  number: string;
  /** The delivery; `null` when it was deleted. */
  delivery: Delivery | null;
  body: string | null;
  bodyState: BodyState;
}

export interface NumberedDeliveries {
  rows: NumberedDelivery[];
  last: string;
  first: string | null;
  hasMore: boolean;
}

/** Reads up to `limit` notifications of each subscription, in four statements. Leaves out subscriptions of other users. */
export async function deliveriesAfter(
  { pool }: Pick<Engine, 'pool'>,
  actor: Actor,
  subscriptionIds: readonly string[],
  { after, limit }: { after: string; limit: number },
): Promise<Map<string, NumberedDeliveries>> {
  const found = await numbersAfter(pool, actor, subscriptionIds, after, limit + 1);
  const rows = [...found.values()].flatMap((one) => one.rows.slice(0, limit));
  const [deliveries, attempts] = await Promise.all([
    deliveriesByIds(
      pool,
      actor,
      rows.map(({ deliveryId }) => deliveryId),
    ),
    attemptsByIds(
      pool,
      actor,
      rows.flatMap(({ attemptId }) => attemptId ?? []),
    ),
  ]);
  const numbered = ({ number, deliveryId, attemptId }: (typeof rows)[number]): NumberedDelivery => {
    const delivery = deliveries.get(deliveryId) ?? null;
    const request = attempts.get(attemptId ?? '')?.request ?? null;
    return { number, delivery, ...bodyOf(delivery, request) };
  };
  return new Map(
    [...found].map(([id, { rows: all, last, first }]) => [
      id,
      { rows: all.slice(0, limit).map(numbered), last, first, hasMore: all.length > limit },
    ]),
  );
}

function bodyOf(delivery: Delivery | null, request: Attempt['request']): Pick<NumberedDelivery, 'body' | 'bodyState'> {
  if (request === null) return { body: null, bodyState: delivery === null || delivery.attemptCount > 0 ? 'DELETED' : 'NOT_SENT' };
  const { omitted } = request;
  if (omitted === 'SWITCHED_OFF' || omitted === 'UNMASKABLE') return { body: null, bodyState: 'NOT_RECORDED' };
  if (omitted != null || request.body === null) return { body: null, bodyState: 'DELETED' };
  return { body: request.body, bodyState: request.bytes == null ? 'EXACT' : 'MASKED' };
}
