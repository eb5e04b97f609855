// Updates the stored pace of a subscription (how fast its deliveries may start) when its limit or destination changes, or when it is
// enabled again.
import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import type { Definition } from '../../base/model.js';
import { limited, type Pace, paceAfterDisabled, type RateLimit } from '../../base/pace.js';
import { lockPaces, writePaces } from '../../base/store/paces.js';
import { destinationOf } from '../../destinations/registry.js';

export interface SavedPace {
  limit: RateLimit | null;
  /** Whether the save changes the receiver; then the pace, which fitted the old receiver, is dropped. */
  isMoved: boolean;
  /** Whether the save enables a subscription that a rule had disabled, or that was slowed down; its deliveries then start slowly. */
  isBack: boolean;
}

/** Updates the pace of a subscription (how fast its deliveries may start). Must run in the transaction that saves the subscription. */
export async function savePace(client: PoolClient, id: string, { limit, isMoved, isBack }: SavedPace): Promise<void> {
  const { nowMs, paces } = await lockPaces(client, [id]);
  const { allowance: _allowance, refilledAtMs: _refilledAtMs, ...known } = paces.get(id) ?? {};
  const before = 'state' in known ? (known as Pace) : null;
  const kept = isMoved ? null : before;
  let after: Pace | null = kept && (kept.state !== 'LIMITED' || limit) ? { ...kept, limit } : limit && limited(limit, nowMs);
  if (isBack) after = paceAfterDisabled(after, limit, nowMs);
  if (!isDeepStrictEqual(after, before)) await writePaces(client, new Map([[id, after]]));
}

/** Whether the two definitions send to different receivers. */
export function isMoved(before: Definition, after: Definition): boolean {
  const receiver = (definition: Definition) => {
    const { kind, settings } = destinationOf(definition);
    return [kind.field.name, kind.receiverOf(settings)];
  };
  return !isDeepStrictEqual(receiver(before), receiver(after));
}
