// Tests when the relay runs: woken in this process, by another process, or by its timer; and that it survives database outages.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPoker } from '../../../src/webhooks/fan-out/create-poker.js';
import { type Relay, startRelay } from '../../../src/webhooks/fan-out/relay-loop.js';
import { recordStatements } from '../../support/record-statements.js';
import { until } from '../../support/until.js';
import { type CapturedTables, prepareTables, silent } from '../capture/captured-tables.js';
import { deliveries, subscribe } from './subscribers.js';

let db: CapturedTables;
let pool: pg.Pool;
let relay: Relay;
let woken: string[];
let next = 0;

beforeEach(async () => {
  db = await prepareTables();
  pool = new pg.Pool({ connectionString: db.url, application_name: 'relay' });
  pool.on('error', () => {});
  woken = [];
});

afterEach(async () => {
  await relay.stop();
  await pool.end();
  await db.close();
});

const start = (log = silent, pollMs?: { busy: number; idle: number }) => {
  relay = startRelay({ pool, log, pollMs, onDeliveries: (ids) => woken.push(...ids) });
};
const write = (tenant: string | null = 'acme') => db.pool.query('INSERT INTO things VALUES ($1, $2)', [++next, tenant]);
const listening = () =>
  until('the relay listens', async () => {
    const { rows } = await db.pool.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'relay' AND query LIKE 'LISTEN%' AND datname = current_database()`,
    );
    return rows[0]?.pid as number | undefined;
  });

it('finds by itself what nobody told it of, and wakes the subscriptions', async () => {
  const id = await subscribe(db.pool, { topic: 'thing/created' });
  start();
  await write();
  await until('the subscription is woken', () => woken.includes(id));
  expect(await deliveries(db.pool)).toHaveLength(1);
});

it('looks cheaply while nothing happens, and finds what comes then', async () => {
  const id = await subscribe(db.pool, { topic: 'thing/created' });
  const { statements, stop } = recordStatements(pool);
  const count = (words: string) => statements.filter((text) => text.includes(words)).length;
  start(silent, { busy: 5, idle: 5 });
  await until('it has looked often', () => count('AS "fanOuts"') >= 200);
  expect(count('DELETE FROM hookgraph.captures')).toBeLessThan(10);
  stop();
  await write();
  await until('the subscription is woken', () => woken.includes(id));
});

it('drains many batches without pausing', async () => {
  await subscribe(db.pool, { topic: 'thing/created' });
  await db.pool.query(`INSERT INTO things SELECT n, 'acme' FROM generate_series(100000, 105499) n`);
  start();
  await until('all are relayed', async () => (await deliveries(db.pool)).length === 5500);
});

it('finds what took long to commit, and a backlog, though most looks are for the recent', async () => {
  await subscribe(db.pool, { topic: 'thing/created', set: { created_at: `now() - interval '1 hour'` } });
  start();
  await listening();
  await db.pool.query(`WITH e AS (INSERT INTO hookgraph.events (id, occurred_at, tenant, typename, node_key, operation)
    SELECT hookgraph.id_at(now() - interval '1 minute') + n, now() - interval '1 minute', 'acme', 'Thing', n, 'created' FROM generate_series(1, 6000) n RETURNING id)
    INSERT INTO hookgraph.event_queue SELECT id FROM e`);
  await until('all are relayed', async () => (await deliveries(db.pool)).length === 6000);
});

it('looks at once when another process pokes', async () => {
  await subscribe(db.pool, { topic: 'thing/created' });
  // With these intervals, the timer alone would be too late.
  start(silent, { busy: 60_000, idle: 60_000 });
  await listening();
  const poker = createPoker(db.pool);
  for (let round = 0; round < 20; round++) {
    const before = woken.length;
    await write();
    poker.poke();
    await until('the subscription is woken', () => woken.length > before, { everyMs: 1 });
  }
  await poker.stop();
});

it('turns many pokes into few notifications', async () => {
  start();
  const ear = await db.connect();
  let heard = 0;
  ear.on('notification', () => heard++);
  await ear.query('LISTEN hookgraph_poke');
  const poker = createPoker(db.pool);
  for (let n = 0; n < 1000; n++) poker.poke();
  await poker.stop();
  await ear.query('SELECT 1');
  expect(heard).toBeGreaterThanOrEqual(1);
  expect(heard).toBeLessThanOrEqual(2);
  poker.poke();
  await poker.stop();
  await ear.query('SELECT 1');
  expect(heard).toBeLessThanOrEqual(2);
});

it('goes on after the database dropped all its connections, and listens again', async () => {
  const lines: string[] = [];
  const id = await subscribe(db.pool, { topic: 'thing/created' });
  start(pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }));
  const first = await listening();
  await db.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay' AND datname = current_database()`,
  );
  await write();
  await until('the subscription is woken', () => woken.includes(id));
  await until('it listens again', async () => (await listening()) !== first);
  // A loop of the relay, or the connection that listens, may be the first to notice it.
  expect(lines.join()).toContain('terminating connection due to administrator command');
});

it('warns of events without a tenant, by type and key', async () => {
  const lines: string[] = [];
  start(pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }));
  await write(null);
  const line = await until('it is logged', () => lines.find((one) => one.includes('without a tenant')));
  expect(JSON.parse(line)).toMatchObject({ events: 1, first: [`Thing ${next}`] });
});

it('drops a deletion whose tenant is too long for an index, says so, and relays all others, also with long keys', async () => {
  const lines: string[] = [];
  const id = await subscribe(db.pool, { topic: 'thing/created' });
  // Uses random texts, because Postgres would compress others.
  const long = (length: number) => randomBytes(length).toString('base64').slice(0, length);
  await db.pool.query('ALTER TABLE things ALTER id TYPE text');
  await db.pool.query('INSERT INTO things VALUES ($1, $2), ($3, $4), ($5, $2)', [long(2685), 'acme', 'gone', long(9000), 'x'.repeat(4000)]);
  await db.pool.query(`DELETE FROM things WHERE id = 'gone'`);
  start(pino({ level: 'error' }, { write: (line: string) => void lines.push(line) }));
  await write();
  await until('the others are relayed', async () => (await deliveries(db.pool)).length === 3);
  expect(woken).toContain(id);
  const dropped = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('too long'));
  expect(dropped).toMatchObject([{ typename: 'Thing', key: 'gone' }]);
});

it('stops at once, and starts nothing afterwards', async () => {
  // If stopping waited for the next timer, it would take hours.
  start(silent, { busy: 10_000_000, idle: 10_000_000 });
  await listening();
  await relay.stop();
  await until('its connections are idle', () => pool.idleCount === pool.totalCount);
  await write();
  relay.poke();
  expect((await db.pool.query('SELECT 1 FROM hookgraph.captures')).rowCount).toBeGreaterThan(0);
});
