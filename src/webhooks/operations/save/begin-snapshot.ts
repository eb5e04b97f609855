// Starts a snapshot (current nodes that are sent to a subscription) as part of another transaction.
import type { PoolClient } from 'pg';
import type { Problem } from '../../base/errors.js';
import type { Actor, Host, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { recordAudit } from '../../base/store/audit.js';
import { startSnapshot } from '../../base/store/snapshots.js';

/** The problem of an update that has `startFrom`. */
export const ONLY_NEW: Problem = {
  field: 'startFrom',
  message: 'only a new subscription has a start; `snapshotWebhookSubscription` sends the current nodes to an existing one',
};

/**
 * Starts a snapshot in the caller's transaction, and records it in the audit log. Returns `null` while another replay is running. A
 * subscription that is created in the same transaction must have no `created_id`: then all changes of transactions that are open now count
 * as later than it (`is_later` of match.sql). The snapshot may read their rows before they commit.
 */
export async function beginSnapshot(
  client: PoolClient,
  host: Pick<Host, 'nodes'>,
  { actor, subscriptionId, topic }: { actor: Actor; subscriptionId: string; topic: Topic },
): Promise<string | null> {
  const node = announcedNode(host, topic.typename);
  if (!node) throw new Error(`the type ${topic.typename} of the topic ${topic.key} is not announced`);
  const id = await startSnapshot(client, { subscriptionId, userId: actor.userId, table: node.table });
  const message = `The current nodes of the type ${topic.typename}.`;
  if (id !== null) await recordAudit(client, actor, [{ subscriptionId, action: 'REPLAYED', message }]);
  return id;
}

/** Returns why current nodes can't be sent as notifications of this topic; `null` when they can. */
export function whyNoSnapshot({ key, operation, isLifecycle }: Topic, isBefore: boolean): Problem | null {
  const because = isBefore
    ? 'a before-hook is called before a write, so it gets no current nodes'
    : operation === 'deleted'
      ? `the nodes of the topic ${key} no longer exist, so there are no current ones`
      : isLifecycle
        ? `the topic ${key} is about the change of a field, which current nodes don’t show; choose a created or updated topic`
        : null;
  return because === null ? null : { field: 'startFrom', message: because };
}
