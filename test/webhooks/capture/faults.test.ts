// Tests that a failure inside a trigger doesn't fail the write, and that a worker logs it once.
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { createCaptureWatch } from '../../../src/webhooks/capture/watch-capture.js';
import { type CapturedTables, prepareTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const nodes = [thing({ tenant: { sql: '100 / (r.id % 2)' } })];

async function watched(): Promise<{ check(): Promise<unknown[]>; lines: Record<string, unknown>[] }> {
  db = await prepareTables(THINGS, nodes);
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { ...createCaptureWatch({ pool: db.pool, host: { nodes }, log }), lines };
}

it('says once why no tenant was found, whoever looks and however often it happens', async () => {
  const { check, lines } = await watched();
  const other = createCaptureWatch({ pool: db.pool, host: { nodes }, log: silent });
  await db.pool.query(`INSERT INTO things VALUES (0, 'acme', 'a'); UPDATE things SET name = 'b'`);
  expect((await db.events()).map(({ operation, tenant }) => [operation, tenant])).toEqual([
    ['created', null],
    ['updated', null],
  ]);
  expect(await check()).toEqual([]);
  expect(lines).toEqual([
    expect.objectContaining({
      level: 40,
      typename: 'Thing',
      table: 'public.things',
      message: 'division by zero',
      msg: expect.stringMatching(/^the SQL expression for the tenant of a row failed/),
    }),
  ]);
  await db.pool.query(`UPDATE things SET name = 'c'`);
  await Promise.all([check(), other.check()]);
  expect(lines).toHaveLength(1);
  await db.pool.query(`UPDATE hookgraph.capture_faults SET id = id - (3600001::bigint << 20)`);
  await db.pool.query(`UPDATE things SET name = 'd'`);
  await check();
  expect(lines).toHaveLength(2);
  expect((await db.pool.query('SELECT FROM hookgraph.capture_faults')).rowCount).toBe(1);
});

it('makes no writer wait for another that has the same fault, and fails none where faults can’t be noted', async () => {
  const { check, lines } = await watched();
  const first = await db.connect();
  await first.query(`BEGIN; INSERT INTO things VALUES (0, 'acme', 'a')`);
  const second = await db.connect({ options: '-c statement_timeout=5000' });
  await second.query(`INSERT INTO things VALUES (2, 'acme', 'a')`);
  await first.query('COMMIT');
  await check();
  expect(lines).toHaveLength(1);
  await db.pool.query('DROP TABLE hookgraph.capture_faults');
  await second.query(`UPDATE things SET name = 'e' WHERE id = 0`);
  expect((await db.events()).map(({ operation, tenant }) => [operation, tenant])).toEqual([
    ['created', null],
    ['created', null],
    ['updated', null],
  ]);
});
