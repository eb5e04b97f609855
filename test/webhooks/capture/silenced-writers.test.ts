// Tests that settings which keep triggers from firing are found.
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { findSilencedWriters } from '../../../src/webhooks/capture/silenced-writers.js';
import { createCaptureWatch } from '../../../src/webhooks/capture/watch-capture.js';
import { type CapturedTables, prepareTables, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

it('warns of roles and databases whose settings keep triggers from firing', async () => {
  db = await prepareTables();
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const watch = createCaptureWatch({ pool: db.pool, host: { nodes: [thing()] }, log });
  await watch.requireMatch();
  expect(lines).toEqual([]);
  const { rows } = await db.pool.query('SELECT current_database() AS database');
  const [{ database }] = rows;
  const role = `Importer ${database}`;
  await db.pool.query(`CREATE ROLE "${role}"; ALTER ROLE "${role}" SET session_replication_role = replica;
    ALTER ROLE "${role}" IN DATABASE ${database} SET hookgraph.capture = 'OFF'; ALTER DATABASE ${database} SET hookgraph.capture = 'false'`);
  try {
    // A setting of the database is reported, too, although it affects only sessions that begin later.
    await watch.requireMatch();
    const reset = (where: string, setting: string) => `Unless that is meant, run: ALTER ${where} RESET ${setting}`;
    expect(lines.map(({ hint }) => hint)).toEqual([
      reset(`DATABASE ${database}`, 'hookgraph.capture'),
      reset(`ROLE "${role}" IN DATABASE ${database}`, 'hookgraph.capture'),
      reset(`ROLE "${role}"`, 'session_replication_role'),
    ]);
    for (const { hint } of lines) await db.pool.query(String(hint).replace('Unless that is meant, run: ', ''));
    expect(await findSilencedWriters(db.pool)).toEqual([]);
  } finally {
    await db.pool.query(`DROP ROLE "${role}"`);
  }
});
