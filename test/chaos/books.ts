// Waits until no work is in progress, and checks the books: the audit names no row, each delivery has ended or its wait is explained,
// no notification reached another organization, and the receiver's own records agree with the attempts.
import { unbalanced } from '../support/books.js';
import { endPause, makeDue } from '../support/engine-rows.js';
import { until } from '../support/until.js';
import { checkGates } from './gated-writers.js';
import type { World } from './world.js';

const WAITING = `
  SELECT (SELECT count(*) FROM hookgraph.captures) + (SELECT count(*) FROM hookgraph.event_queue) + (SELECT count(*) FROM hookgraph.fan_outs)
    + (SELECT count(*) FROM hookgraph.replays WHERE state = 'RUNNING') AS changes,
    (SELECT count(*) FROM hookgraph.open_deliveries WHERE held_for IS NULL) AS open`;

/** Waits until all events are relayed and all deliveries sent. Shortens retries and pauses, because they may last days. */
export async function untilQuiet({ pool, subscriptions, workers }: World): Promise<void> {
  let last = '';
  const left = async () => {
    const { changes, open } = (await pool.query(WAITING)).rows[0];
    last = `${changes} changes, ${open} open deliveries`;
    return Number(changes) + Number(open);
  };
  const settle = async () => {
    const dead = workers.find((worker) => worker.hasEnded());
    if (dead) throw new Error(`A worker has ended:\n${dead.output()}`);
    if ((await left()) === 0) return true;
    await makeDue(pool);
    for (const { id } of subscriptions) await endPause(pool, id);
    return false;
  };
  await until('all is relayed and sent', () => settle().catch(refuseEnded), { timeoutMs: 180_000, everyMs: 500 }).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
}

/** Ignores errors of a database that may be starting. Rethrows the error about a worker that has ended, which is a finding. */
function refuseEnded(error: Error): false {
  if (error.message.startsWith('A worker has ended')) throw error;
  return false;
}

const UNRECORDED = `
  SELECT id FROM unnest($1::uuid[]) AS c (id) WHERE NOT EXISTS (
    SELECT FROM hookgraph.events e WHERE e.typename = 'User' AND e.node_key = c.id::text AND e.operation = 'created')`;

const DELIVERED = `
  SELECT d.id::text, d.subscription_id AS subscription, d.state, d.reason, (SELECT count(*)::int FROM hookgraph.attempts a WHERE a.delivery_id = d.id AND a.outcome = 'DELIVERED') AS delivered
  FROM hookgraph.deliveries d WHERE d.subscription_id = ANY ($1::uuid[])`;

/** Returns the contradictions, each as a sentence. Must be called while no work is in progress. */
export async function checkBooks(world: World): Promise<string[]> {
  const { pool, subscriptions, writers, receivers } = world;
  const ids = subscriptions.map(({ id }) => id);
  const findings: string[] = [];
  const expectNone = (what: string, rows: unknown[]) => {
    if (rows.length > 0) findings.push(`${what}: ${rows.length}, e.g. ${JSON.stringify(rows.slice(0, 3))}`);
  };
  expectNone('rows that the audit names', await unbalanced(pool));
  expectNone('committed rows without an event', (await pool.query(UNRECORDED, [[...writers.created]])).rows);
  const { rows: rolledBack } = await pool.query(`SELECT id FROM hookgraph.events WHERE typename = 'User' AND node_key = ANY ($1::text[])`, [
    [...writers.rolledBack],
  ]);
  expectNone('events of rows that were rolled back', rolledBack);

  const { rows } = await pool.query<{ id: string; subscription: string; state: string; reason: string | null; delivered: number }>(
    DELIVERED,
    [ids],
  );
  expectNone(
    'deliveries that are not explained',
    rows.filter(({ state, reason }) => state !== 'DELIVERED' && !(['SKIPPED', 'HELD', 'CANCELLED'].includes(state) && reason !== null)),
  );
  const deliveries = new Map(rows.map((row) => [row.id, row]));
  const paths = new Map(subscriptions.map(({ id, path }) => [id, path]));
  const accepted = new Map<string, number>();
  for (const { deliveryId, isAccepted } of receivers.requests)
    if (isAccepted) accepted.set(deliveryId, (accepted.get(deliveryId) ?? 0) + 1);
  expectNone(
    'requests whose delivery is another subscription’s, or nobody’s',
    receivers.requests.filter(({ deliveryId, path }) => paths.get(deliveries.get(deliveryId)?.subscription ?? '') !== path),
  );
  expectNone(
    'requests with data of another organization',
    receivers.requests.filter(
      ({ path, organization }) => organization !== undefined && organization !== '' && !path.startsWith(`/${organization}/`),
    ),
  );
  expectNone(
    'delivered, but not received',
    rows.filter(({ id, state }) => state === 'DELIVERED' && !accepted.has(id)),
  );
  expectNone(
    'more attempts delivered than requests received',
    rows.filter(({ id, delivered }) => delivered > (accepted.get(id) ?? 0)),
  );
  if (receivers.strange.length > 0) findings.push(`calls of before-hooks about another organization's rows: ${receivers.strange[0]}`);
  return world.gated ? [...findings, ...(await checkGates(pool, world.gated, receivers.allowed))] : findings;
}
