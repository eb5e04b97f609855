// Claims due deliveries of enabled subscriptions: leases them to this worker for `leaseMs`, under a token that is new for each claim.
import { randomInt } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import { DEFAULT_DEADLINES } from '../base/deadlines.js';
import type { DeliveryKind } from '../base/model.js';
import type { PaceState } from '../base/pace.js';
import { dropUnwanted } from '../base/store/delivery-state.js';

const CLAIM = sqlStatement<'subscription_ids' | 'counts' | 'due_after' | 'id_after' | 'is_paced' | 'total' | 'lease_ms' | 'token'>(
  'webhooks/lease/claim.sql',
);

/**
 * The number of due deliveries to claim of one subscription, and the queue position after which to search; `null`: from the beginning.
 */
export interface Want {
  subscriptionId: string;
  count: number;
  after: Cursor | null;
}

/**
 * A position in a subscription's queue, which is ordered by due time and delivery id: that of the last delivery that was claimed. The next
 * claim searches only after it, and so skips the dead index entries of finished deliveries, which VACUUM can't remove while a long
 * transaction is open. A delivery that becomes due at an earlier position is found when the cursor expires, after CURSOR_LIFE_MS (1 s).
 */
export interface Cursor {
  dueAt: string;
  id: string;
}

export interface DeliveryInHand {
  id: string;
  token: string;
  subscriptionId: string;
  /** Version of the subscription's definition at the time of the claim. */
  version: number;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
  /** Number of earlier attempts. */
  attemptCount: number;
  dueAt: string;
  /** When the delivery was created, by `performance.now()`, from its age in the database. Negative if it is older than this process. */
  createdAtMs: number;
  /** Value of `performance.now()` just before the claim was sent to Postgres, so never later than the start of the lease. */
  claimedAtMs: number;
  eventId: string | null;
  replayId: string | null;
  /** Whether its last pause was due to a fault that only the operator could correct. */
  waitedForOperator: boolean;
  /** Milliseconds of its last pause, if the stored query had exceeded its time limit; else 0. */
  slowPauseMs: number;
  /** Why deliveries of this subscription start at a limited rate: LIMITED, SLOWED or PROBING; `null` when the rate is not limited. */
  pace: PaceState | null;
}

/**
 * Claims due deliveries of the enabled subscriptions in `wants`: up to `count` of each, those due longest first, and at most `most` in all.
 * Earlier subscriptions in `wants` are served first.
 */
export async function claimDue(
  db: Pool | PoolClient,
  wants: Want[],
  most = countOf(wants),
  leaseMs = DEFAULT_DEADLINES.leaseMs,
  /**
   * A map: claims only from subscriptions whose sending rate is limited; it has the state of their limit, by subscription id. `null`:
   * claims only from the other subscriptions.
   */
  paces: ReadonlyMap<string, PaceState> | null = null,
): Promise<DeliveryInHand[]> {
  const token = String(randomInt(1, 2 ** 47));
  const claimedAtMs = performance.now();
  const { rows } = await db.query({
    name: 'hookgraph-claim',
    text: CLAIM.text,
    rowMode: 'array',
    values: CLAIM.values({
      subscription_ids: wants.map((want) => want.subscriptionId),
      counts: wants.map((want) => want.count),
      due_after: wants.map((want) => want.after?.dueAt ?? '-infinity'),
      id_after: wants.map((want) => want.after?.id ?? '0'),
      is_paced: paces !== null,
      total: most,
      lease_ms: leaseMs,
      token,
    }),
  });
  const gone = rows.filter((row) => row[11] !== true).map((row) => row[0]);
  if (gone.length > 0) await dropUnwanted(db, gone, token);
  const wanted = rows.filter((row) => row[11] === true);
  const nodes = await nodesOfEvents(
    db,
    wanted.filter((row) => row[5] === null).map((row) => row[9]),
  );
  return wanted
    .map(
      (row): DeliveryInHand => ({
        id: row[0],
        token,
        subscriptionId: row[1],
        version: row[2],
        kind: row[3],
        typename: row[4] ?? nodes.get(row[9])?.typename ?? '',
        nodeKey: row[5] ?? nodes.get(row[9])?.key ?? '',
        attemptCount: row[6],
        dueAt: row[7],
        createdAtMs: claimedAtMs - row[8],
        claimedAtMs,
        eventId: row[9],
        replayId: row[10],
        waitedForOperator: row[12] === true,
        slowPauseMs: row[13] ?? 0,
        pace: paces?.get(row[1]) ?? null,
      }),
    )
    .sort((a, b) => (a.dueAt === b.dueAt ? compareIds(a.id, b.id) : a.dueAt < b.dueAt ? -1 : 1));
}

/** Reads the node of each event, by event id. The result has no entry for a deleted event. */
async function nodesOfEvents(db: Pool | PoolClient, ids: string[]): Promise<Map<string, { typename: string; key: string }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query('SELECT id, typename, node_key AS key FROM hookgraph.events WHERE id = ANY ($1::bigint[])', [ids]);
  return new Map(rows.map(({ id, ...node }) => [id, node]));
}

export const countOf = (wants: Want[]): number => wants.reduce((sum, { count }) => sum + count, 0);

/** Orders delivery ids by their number. They are texts of positive bigints, so a longer text is a larger number. */
const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);
