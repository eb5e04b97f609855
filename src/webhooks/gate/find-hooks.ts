// A kind of write that is about to happen -> the BEFORE subscriptions that it may concern. Asked where hooks may concern the write: announce.ts knows first.
import type { Pool } from 'pg';
import type { Before, Operation } from '../base/model.js';
import type { Change } from './change.js';

/** What the host says of a write before it knows the row. */
export interface PlannedWrite {
  /** The writer's: hooks of others never hear of it. */
  tenant: string;
  typename: string;
  operation: Operation;
}

export interface Hook {
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
  SELECT s.id AS "subscriptionId", s.version, s.name, t.id AS "topicId", t.operation, s.environment_ids AS "environmentIds",
    v.definition -> 'before' AS policy, hookgraph.next_id() AS "deliveryId"
  FROM hookgraph.subscriptions s
  JOIN hookgraph.topics t ON t.id = s.topic_id AND t.typename = $2 AND t.column_name IS NULL AND t.retired_at IS NULL
  JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version
  WHERE s.phase = 'BEFORE' AND s.deleted_at IS NULL AND s.tenant = $1 AND s.status IN ('ENABLED', 'HELD')
  ORDER BY s.created_at, s.id`;

/** Of all operations on the type where the row decides which one it is: an update may delete softly. */
export async function findHooks(pool: Pool, { tenant, typename, operation }: PlannedWrite, softDelete: boolean): Promise<Hook[]> {
  const { rows } = await pool.query<Hook>({ name: 'hookgraph-find-hooks', text: FIND, values: [tenant, typename] });
  return softDelete ? rows : rows.filter((hook) => hook.operation === operation);
}

/** Those that the change concerns: by the rules of the relay, a row without an environment concerns all. */
export function hooksOf(hooks: Hook[], planned: PlannedWrite, { tenant, operation, environment }: Change): Hook[] {
  if (tenant !== planned.tenant) return [];
  return hooks.filter(
    ({ operation: asked, environmentIds }) =>
      asked === operation && (environment === null || !environmentIds?.length || environmentIds.includes(environment)),
  );
}
