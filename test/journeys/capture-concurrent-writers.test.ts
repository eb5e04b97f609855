// Promise: each committed write of eight concurrent writers is delivered once, no rolled-back write ever, while relays share the work.
import pg from 'pg';
import { expect, it } from 'vitest';
import { prepareCapture } from '../../src/webhooks/capture/prepare-capture.js';
import { startRelay } from '../../src/webhooks/fan-out/relay-loop.js';
import { until } from '../support/until.js';
import { captureTables, silent, THINGS, thing } from '../webhooks/capture/captured-tables.js';
import { subscribe } from '../webhooks/fan-out/subscribers.js';

it('delivers each committed write of eight concurrent writers once, and no other', async () => {
  const db = await captureTables(THINGS, []);
  await prepareCapture(db.pool, [thing()], silent);
  for (const topic of ['thing/created', 'thing/updated', 'thing/deleted'])
    for (const coalesces of ['true', 'false']) await subscribe(db.pool, { topic, set: { coalesces } });
  const relayPool = new pg.Pool({ connectionString: db.url });
  const relays = [0, 1].map(() => startRelay({ pool: relayPool, log: silent, onDeliveries: () => {} }));

  const committed: string[] = [];
  const writer = async (number: number) => {
    const client = await db.connect();
    for (let round = 0; round < 60; round++) {
      const key = number * 1000 + round;
      const commit = round % 3 !== 0;
      await client.query('BEGIN');
      await client.query(`INSERT INTO things VALUES ($1, 'acme', 'a')`, [key]);
      await client.query(`UPDATE things SET name = 'b' WHERE id = $1`, [key]);
      await client.query(`SAVEPOINT s; DELETE FROM things WHERE id = ${key}; ROLLBACK TO s`);
      if (round % 2 === 0) await client.query('DELETE FROM things WHERE id = $1', [key]);
      await client.query(commit ? 'COMMIT' : 'ROLLBACK');
      if (!commit) continue;
      committed.push(`each created ${key}`, `each updated ${key}`, round % 2 === 0 ? `each deleted ${key}` : `folded created ${key}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));

  await until('the queue is empty', async () => (await db.pool.query('SELECT 1 FROM hookgraph.captures LIMIT 1')).rowCount === 0);
  await Promise.all(relays.map((relay) => relay.stop()));
  const { rows } = await db.pool.query<{ said: string }>(
    `SELECT CASE WHEN s.coalesces THEN 'folded ' ELSE 'each ' END || e.operation || ' ' || d.node_key AS said
     FROM hookgraph.whole_deliveries d JOIN hookgraph.events e ON e.id = d.event_id JOIN hookgraph.subscriptions s ON s.id = d.subscription_id`,
  );
  expect(rows.map(({ said }) => said).sort()).toEqual(committed.sort());
  await relayPool.end();
  await db.close();
});
