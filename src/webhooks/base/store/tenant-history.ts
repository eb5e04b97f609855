// Deletes the history of tenants that keep less than the installation, in steps with a transaction each. Attempts and events are read once,
// in the order of their ids; deliveries are found by subscription. After a crash, the interrupted step runs again.
import type { Pool, PoolClient } from 'pg';
import { blankExchanges } from './exchange-rows.js';
import { rememberForgotten } from './forgotten.js';
import { gently } from './gently.js';
import type { Retention } from './retention-limits.js';
import { inSteps, StepSize } from './steps.js';
import { moveGroup, type TenantGroup, tenantGroups } from './tenant-retention.js';

const DAY_MS = 86_400_000;
/** Maximum number of rows that a step reads. They belong to all tenants. */
const READ = 5_000;

/** Called after each step with the numbers of deleted and blanked rows; returns whether to go on. */
export type OnTenantStep = (counts: TenantCounts) => Promise<boolean>;
export interface TenantCounts {
  deliveries?: number;
  rows?: number;
  blanked?: number;
}

/** Cleans the history of these tenants. Returns `false` if `onStep` ended it early. */
export async function cleanTenants(pool: Pool, installation: Retention, onStep: OnTenantStep, now = new Date()): Promise<boolean> {
  for (const group of await tenantGroups(pool, installation)) {
    const before = new Date(now.getTime() - group.days * DAY_MS);
    await remember(pool, group, before);
    if (group.kind === 'events' && !(await deleteDeliveries(pool, group, before, onStep))) return false;
    if (!(await scan(pool, group, before, onStep))) return false;
  }
  return true;
}

async function remember(pool: Pool, { kind, tenants }: TenantGroup, before: Date): Promise<void> {
  if (kind === 'bodies') return;
  const histories = kind === 'events' ? (['deliveries', 'events'] as const) : (['attempts'] as const);
  for (const tenant of tenants) await rememberForgotten(pool, { histories, before, tenant });
}

/** Reads the rows after the group's position up to the time `before`, and deletes or blanks those that belong to the group's tenants. */
async function scan(pool: Pool, group: TenantGroup, before: Date, onStep: OnTenantStep): Promise<boolean> {
  const step = group.kind === 'events' ? stepEvents : stepAttempts;
  return untilStopped(READ, onStep, async (limit) => {
    const { found, last, counts } = await gently(pool, async (client) => {
      const done = await step(client, group, before, limit);
      if (done.last !== null) await moveGroup(client, group, done.last);
      return done;
    });
    group.position = last ?? group.position;
    return { found, counts };
  });
}

interface StepOfScan {
  /** The number of rows that were read, of all tenants; fewer than the limit when none is left. */
  found: number;
  /** The id of the last row that was read; `null` when no row was. */
  last: string | null;
  counts: TenantCounts;
}

async function stepAttempts(client: PoolClient, group: TenantGroup, before: Date, limit: number): Promise<StepOfScan> {
  const isOfErrors = group.kind === 'errors';
  const { rows } = await client.query<{ found: number; last: string | null; ids: string[]; exchanges: string[]; places: number[] }>(
    `WITH part AS MATERIALIZED (
       SELECT a.id, a.subscription_id, a.outcome, a.exchange_id, a.place FROM hookgraph.attempts a
       WHERE a.id > $1 AND a.id < hookgraph.id_at($2) ORDER BY a.id LIMIT $3
     ), own AS (
       SELECT p.* FROM part p JOIN hookgraph.subscriptions s ON s.id = p.subscription_id
       WHERE s.tenant = ANY ($4) AND (p.outcome IN ('FAILED', 'HELD')) = $5
     )
     SELECT (SELECT count(*) FROM part)::int AS found, (SELECT max(id) FROM part) AS last,
       coalesce((SELECT array_agg(id) FROM own), '{}') AS ids,
       coalesce((SELECT array_agg(exchange_id ORDER BY id) FROM own WHERE exchange_id IS NOT NULL), '{}') AS exchanges,
       coalesce((SELECT array_agg(place::int ORDER BY id) FROM own WHERE exchange_id IS NOT NULL), '{}') AS places`,
    [group.position, before, limit, group.tenants, isOfErrors],
  );
  const { found, last, ids, exchanges, places } = rows[0] as (typeof rows)[number];
  const keys = exchanges.map((exchangeId, at) => ({ exchangeId, place: places[at] as number, isError: isOfErrors }));
  await blankExchanges(client, keys, 'DELETED');
  if (group.kind === 'bodies') {
    await blankColumns(client, ids);
    return { found, last, counts: { blanked: ids.length } };
  }
  const { rowCount } = await client.query('DELETE FROM hookgraph.attempts WHERE id = ANY ($1::bigint[])', [ids]);
  return { found, last, counts: { rows: rowCount ?? 0 } };
}

/** Blanks requests and responses of attempts that have them in columns of their own, as older versions wrote them. */
async function blankColumns(client: PoolClient, ids: readonly string[]): Promise<void> {
  await client.query(
    `UPDATE hookgraph.attempts SET request_url = '', request_headers = '{}', request_body = NULL, response_headers = '{}',
       response_body = NULL, recording = '{"request": {"omitted": "DELETED"}, "response": {"omitted": "DELETED"}}'
     WHERE id = ANY ($1::bigint[]) AND request_url IS NOT NULL`,
    [ids],
  );
}

/** Selects the events that open deliveries of these tenants need. $1: the tenants. */
const NEEDED = `SELECT d.event_id AS id FROM hookgraph.subscriptions s JOIN hookgraph.open_deliveries o ON o.subscription_id = s.id
  JOIN hookgraph.deliveries d ON d.id = o.delivery_id WHERE s.tenant = ANY ($1) AND d.event_id IS NOT NULL`;

/** Deletes events, except those that an open delivery needs. Stops before the first event that the relay or a replay may still read. */
async function stepEvents(client: PoolClient, group: TenantGroup, before: Date, limit: number): Promise<StepOfScan> {
  const { rows } = await client.query<{ found: number; last: string | null; deleted: number }>(
    `WITH needed AS MATERIALIZED (${NEEDED}), bound AS MATERIALIZED (
       SELECT least(hookgraph.id_at($3), (SELECT min(event_id) FROM hookgraph.event_queue),
         (SELECT min(event_id) FROM hookgraph.fan_outs WHERE tenant = ANY ($1)),
         (SELECT min(r.position) FROM hookgraph.replays r JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
          WHERE r.state = 'RUNNING' AND s.tenant = ANY ($1))) AS id
     ), part AS MATERIALIZED (
       SELECT e.id, e.tenant FROM hookgraph.events e WHERE e.id > $2 AND e.id < (SELECT id FROM bound) ORDER BY e.id LIMIT $4
     ), gone AS (
       DELETE FROM hookgraph.events WHERE id = ANY (ARRAY(
         SELECT id FROM part WHERE tenant = ANY ($1) AND id NOT IN (SELECT id FROM needed))) RETURNING 1
     )
     SELECT (SELECT count(*) FROM part)::int AS found, (SELECT max(id) FROM part) AS last, (SELECT count(*) FROM gone)::int AS deleted`,
    [group.tenants, group.position, before, limit],
  );
  const { found, last, deleted } = rows[0] as (typeof rows)[number];
  return { found, last, counts: { rows: deleted } };
}

/** Deletes ended deliveries, and those of their events that the scan skipped because a delivery was still open. */
async function deleteDeliveries(pool: Pool, group: TenantGroup, before: Date, onStep: OnTenantStep): Promise<boolean> {
  return untilStopped(undefined, onStep, async (limit) => {
    const { rows } = await gently(pool, (client) =>
      client.query<{ deliveries: number; events: number }>(
        `WITH ended AS MATERIALIZED (
         SELECT d.id, d.event_id FROM hookgraph.subscriptions s CROSS JOIN LATERAL (
           SELECT d.id, d.event_id FROM hookgraph.deliveries d
           WHERE d.subscription_id = s.id AND d.id < hookgraph.id_at($3) AND d.state NOT IN ('PENDING', 'RETRYING', 'HELD')
           ORDER BY d.id LIMIT $4 FOR UPDATE SKIP LOCKED
         ) d WHERE s.tenant = ANY ($1) LIMIT $4
       ), needed AS MATERIALIZED (${NEEDED}), gone AS (
         DELETE FROM hookgraph.deliveries WHERE id = ANY (ARRAY(SELECT id FROM ended)) RETURNING 1
       ), events AS (
         DELETE FROM hookgraph.events e WHERE e.id = ANY (ARRAY(SELECT event_id FROM ended WHERE event_id <= $2))
           AND e.id < hookgraph.id_at($3) AND e.tenant = ANY ($1) AND e.id NOT IN (SELECT id FROM needed) RETURNING 1
       )
       SELECT (SELECT count(*) FROM gone)::int AS deliveries, (SELECT count(*) FROM events)::int AS events`,
        [group.tenants, group.position, before, limit],
      ),
    );
    const { deliveries, events } = rows[0] as (typeof rows)[number];
    return { found: deliveries, counts: { deliveries, rows: events } };
  });
}

/** Repeats a step until it finds fewer rows than its limit (returns `true`), or `onStep` returns `false`. */
async function untilStopped(
  most: number | undefined,
  onStep: OnTenantStep,
  step: (limit: number) => Promise<{ found: number; counts: TenantCounts }>,
): Promise<boolean> {
  let goesOn = true;
  await inSteps(
    async (limit) => {
      if (!goesOn) return { found: 0, moved: {} };
      const { found, counts } = await step(limit);
      goesOn = await onStep(counts);
      return { found, moved: {} };
    },
    { withinMs: Number.POSITIVE_INFINITY, size: new StepSize(most) },
  );
  return goesOn;
}
