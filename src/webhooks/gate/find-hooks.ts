// Finds the before-hooks to call for a write: subscriptions that are called before the commit and may refuse the write.
import type { Pool } from 'pg';
import { HOOK_BEGIN_MS } from '../base/deadlines.js';
import type { Before, Operation } from '../base/model.js';
import type { MaySend } from '../base/network/guard.js';
import type { Change } from './change.js';

/** A write of one row that is planned and not executed yet. */
export interface PlannedWrite {
  /** The tenant of the writer. Only hooks of this tenant are called. */
  tenant: string;
  typename: string;
  operation: Operation;
}

/** A planned write of rows of several types. */
export interface PlannedWrites {
  tenant: string;
  /** Every announced type of which the write may create, change or delete rows. */
  typenames: string[];
}

export interface Hook {
  typename: string;
  subscriptionId: string;
  version: number;
  name: string | null;
  topicId: string;
  topicKey: string;
  operation: Operation;
  environmentIds: string[] | null;
  policy: Before;
  /** The id of the delivery that will record the call. The request contains it. */
  deliveryId: string;
  /** When the hook was read from the database, by `performance.now()`. */
  readAtMs: number;
}

// Includes hooks whose query is no longer valid (status HELD). Calling them fails, and their policy then decides whether the write is
// refused.
const FIND = `
  SELECT t.typename, s.id AS "subscriptionId", s.version, s.name, t.id AS "topicId", t.key AS "topicKey", t.operation, s.environment_ids AS "environmentIds",
    v.definition -> 'before' AS policy, hookgraph.next_id() AS "deliveryId"
  FROM hookgraph.subscriptions s
  JOIN hookgraph.topics t ON t.id = s.topic_id AND t.typename = ANY ($2) AND t.column_name IS NULL AND t.retired_at IS NULL
  JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version
  WHERE s.phase = 'BEFORE' AND s.deleted_at IS NULL AND s.tenant = $1 AND s.status IN ('ENABLED', 'HELD')
  ORDER BY s.created_at, s.id`;

/**
 * Returns the tenant's hooks on these types, for all operations. Only the changed rows show whether an update is in fact a soft deletion.
 */
export async function findHooks(pool: Pool, { tenant, typenames }: PlannedWrites): Promise<Hook[]> {
  const readAtMs = performance.now();
  const { rows } = await pool.query<Hook>({ name: 'hookgraph-find-hooks', text: FIND, values: [tenant, typenames] });
  for (const hook of rows) hook.readAtMs = readAtMs;
  return rows;
}

/** Returns the function that says whether a call of the hook may begin now: not once the hook was disabled or deleted. */
export function mayCall(pool: Pool, { subscriptionId, readAtMs }: Hook): MaySend {
  let sinceMs = readAtMs;
  const readAgain = async () => {
    const nowMs = performance.now();
    const { rowCount } = await pool.query({ name: 'hookgraph-may-call-hook', text: IN_FORCE, values: [subscriptionId] });
    sinceMs = nowMs;
    return rowCount === 1;
  };
  return () => performance.now() - sinceMs < HOOK_BEGIN_MS || readAgain();
}

const IN_FORCE = `SELECT FROM hookgraph.subscriptions WHERE id = $1 AND phase = 'BEFORE' AND deleted_at IS NULL AND status IN ('ENABLED', 'HELD')`;

/** Returns `count` new ids for deliveries that will record calls of hooks. */
export async function nextIds(pool: Pool, count: number): Promise<string[]> {
  if (count === 0) return [];
  const { rows } = await pool.query<{ id: string }>('SELECT hookgraph.next_id() AS id FROM generate_series(1, $1)', [count]);
  return rows.map(({ id }) => id);
}

/** Returns the hooks to call for a change. A row without an environment matches hooks of every environment, as in match.sql. */
export function hooksOf(hooks: Hook[], writer: { tenant: string }, { tenant, operation, environment, snapshot }: Change): Hook[] {
  if (tenant !== writer.tenant) return [];
  return hooks.filter(
    ({ typename, operation: hookOperation, environmentIds }) =>
      typename === snapshot.typename &&
      hookOperation === operation &&
      (environment === null || !environmentIds?.length || environmentIds.includes(environment)),
  );
}
