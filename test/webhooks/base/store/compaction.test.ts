// Tests that rows of the old and the new form are equally delivered, listed, found by their node, replayed and audited.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventContents, listDeliveries } from '../../../../src/webhooks/base/store/deliveries.js';
import { listEvents } from '../../../../src/webhooks/base/store/events.js';
import { relayOnce } from '../../../../src/webhooks/fan-out/relay.js';
import { unbalanced } from '../../../support/books.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../../support/engine-world.js';
import { until } from '../../../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
beforeEach(() => world.clear());
afterAll(() => world.close());

const PAGE = { limit: 10, backward: false, after: null, before: null };

/** Delivers an insertion and an update of a thing. Returns what is stored, and what readers see. */
async function delivered(since: string) {
  const { pool } = world.db;
  await pool.query(`UPDATE hookgraph.compaction SET since = ${since}`);
  const id = await world.subscribe({ topic: { key: 'thing/updated' } });
  await world.insertThings('a');
  await pool.query(`UPDATE public.things SET name = 'b'`);
  await world.work();
  await until('it is delivered', () => world.receiver.requests.length === 1);
  const listed = await until('it is recorded', async () => {
    const { rows } = await listDeliveries(pool, OWNER, [id], {}, PAGE);
    return rows.find(({ state }) => state === 'DELIVERED');
  });
  const { rows: stored } = await pool.query(
    `SELECT jsonb_typeof(e.after) AS after, e.occurred_at IS NULL AS is_timeless, d.node_key, d.created_at, d.due_at
     FROM hookgraph.events e JOIN hookgraph.deliveries d ON d.event_id = e.id`,
  );
  const node = { typename: listed.typename, key: listed.nodeKey };
  const found = await listDeliveries(pool, OWNER, [id], { node }, PAGE);
  const others = await listDeliveries(pool, OWNER, [id], { node: { ...node, key: '0' } }, PAGE);
  const events = await listEvents(pool, OWNER, { node }, PAGE);
  const contents = await eventContents(pool, OWNER, [listed.eventId as string]);
  const { rows: whole } = await pool.query('SELECT typename, node_key, created_at FROM hookgraph.whole_deliveries');
  const isNow = (time: unknown) => Math.abs(Date.now() - (time as Date).getTime()) < 120_000;
  return {
    stored: stored[0],
    seen: {
      node,
      body: JSON.parse(world.receiver.requests[0]?.body as string),
      times: [listed.createdAt, listed.dueAt, listed.updatedAt, whole[0].created_at, ...events.rows.map((event) => event.occurredAt)].map(
        isNow,
      ),
      found: [found, others].map(({ rows }) => rows.length),
      events: events.rows.map(({ operation }) => operation),
      contents: [...contents.values()].map(({ before, after }) => ({ before, after })),
      whole: { typename: whole[0].typename, key: whole[0].node_key },
    },
  };
}

it('reads rows of both forms alike', async () => {
  const older = await delivered(`now() + interval '1 hour'`);
  expect(older.stored).toMatchObject({ after: 'object', is_timeless: false, node_key: older.seen.node.key });
  expect(older.stored).toMatchObject({ created_at: expect.any(Date), due_at: expect.any(Date) });
  await world.clear();
  const newer = await delivered('now()');
  expect(newer.stored).toEqual({ after: 'array', is_timeless: true, node_key: null, created_at: null, due_at: null });
  expect(newer.seen.whole).toEqual(newer.seen.node);
  expect(newer.seen.times).toEqual(newer.seen.times.map(() => true));
  const at = (key: string) => JSON.parse(JSON.stringify(older.seen).replaceAll(`"${older.seen.node.key}"`, `"${key}"`));
  expect({ ...newer.seen, contents: null, body: null }).toEqual({ ...at(newer.seen.node.key), contents: null, body: null });
  expect(newer.seen.contents).toMatchObject([{ before: { name: '"a"' }, after: { name: '"b"' } }]);
  expect(Object.keys(newer.seen.contents[0]?.after ?? {}).sort()).toEqual(Object.keys(older.seen.contents[0]?.after ?? {}).sort());
  expect(await unbalanced(world.db.pool)).toEqual([]);
});

it('has one list of columns for a type, although several relays find it missing at once', async () => {
  const { pool } = world.db;
  await pool.query('UPDATE hookgraph.compaction SET since = now()');
  await pool.query('DELETE FROM hookgraph.layouts');
  for (const name of ['a', 'b', 'c', 'd']) await world.insertThings(name);
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  for (const client of clients) {
    await client.query('BEGIN');
    expect((await relayOnce(client, 2)).events).toBeGreaterThan(0);
  }
  for (const client of clients) {
    await client.query('COMMIT');
    client.release();
  }
  while ((await relayOnce(pool)).events > 0);
  const { rows } = await pool.query('SELECT typename FROM hookgraph.layouts');
  expect(rows).toEqual([{ typename: 'Thing' }]);
  const { rows: names } = await pool.query(`SELECT hookgraph.row_of(layout_id, after) ->> 'name' AS name FROM hookgraph.events ORDER BY 1`);
  expect(names.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
});
