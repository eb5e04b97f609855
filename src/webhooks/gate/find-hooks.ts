// A kind of write that is about to happen -> the BEFORE subscriptions that it may concern. Asked where hooks may concern the write: announce.ts knows first.
import type { Pool } from 'pg';
import type { Before, Operation } from '../base/model.js';
import type { Change } from './change.js';

/** What the host says of a write of one row before it knows the row. */
export interface PlannedWrite {
  /** The writer's: hooks of others never hear of it. */
  tenant: string;
  typename: string;
  operation: Operation;
}

/** The same of a write that may touch several rows and types. */
export interface PlannedWrites {
  tenant: string;
  /** Every announced type of which it may create, change or delete rows. */
  typenames: string[];
}

export interface Hook {
  typename: string;
  subscriptionId: string;
  version: number;
  name: string | null;
  topicId: string;
  operation: Operation;
  environmentIds: string[] | null;
  policy: Before;
  /** Under which it is going to be recorded; the receiver reads it in the request. */
  deliveryId: string;
}

// A broken one too: a policy doesn't lapse because a query no longer validates.
const FIND = `
  SELECT t.typename, s.id AS "subscriptionId", s.version, s.name, t.id AS "topicId", t.operation, s.environment_ids AS "environmentIds",
    v.definition -> 'before' AS policy, hookgraph.next_id() AS "deliveryId"
  FROM hookgraph.subscriptions s
  JOIN hookgraph.topics t ON t.id = s.topic_id AND t.typename = ANY ($2) AND t.column_name IS NULL AND t.retired_at IS NULL
  JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version
  WHERE s.phase = 'BEFORE' AND s.deleted_at IS NULL AND s.tenant = $1 AND s.status IN ('ENABLED', 'HELD')
  ORDER BY s.created_at, s.id`;

/** Of all operations: the rows decide which ones they are, since an update may delete softly. */
export async function findHooks(pool: Pool, { tenant, typenames }: PlannedWrites): Promise<Hook[]> {
  const { rows } = await pool.query<Hook>({ name: 'hookgraph-find-hooks', text: FIND, values: [tenant, typenames] });
  return rows;
}

/** Ids of deliveries. */
export async function nextIds(pool: Pool, count: number): Promise<string[]> {
  if (count === 0) return [];
  const { rows } = await pool.query<{ id: string }>('SELECT hookgraph.next_id() AS id FROM generate_series(1, $1)', [count]);
  return rows.map(({ id }) => id);
}

/** Those that the change concerns: by the rules of the relay, a row without an environment concerns all. */
export function hooksOf(hooks: Hook[], writer: { tenant: string }, { tenant, operation, environment, snapshot }: Change): Hook[] {
  if (tenant !== writer.tenant) return [];
  return hooks.filter(
    ({ typename, operation: asked, environmentIds }) =>
      typename === snapshot.typename &&
      asked === operation &&
      (environment === null || !environmentIds?.length || environmentIds.includes(environment)),
  );
}
