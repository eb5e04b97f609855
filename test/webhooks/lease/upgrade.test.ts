import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { migrate } from '../../../src/runtime/migrate.js';
import { MIGRATION_SETS } from '../../../src/runtime/migration-sets.js';
import { claimDue } from '../../../src/webhooks/lease/claim.js';
import { testDatabase } from '../../support/database.js';
import { insertSubscription, outOfStep } from '../../support/engine-rows.js';

const UPGRADE = '20261126030000_open_deliveries';

it('keeps what is open, leased and held, and stops what would make deliveries that nobody finds', async () => {
  const { pool, close } = await testDatabase({ empty: true });
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-upgrade-'));
  try {
    const room = MIGRATION_SETS.find(({ schema }) => schema === 'hookgraph') as (typeof MIGRATION_SETS)[number];
    for (const name of await readdir(room.dir)) if (name < UPGRADE) await cp(join(room.dir, name), join(dir, name), { recursive: true });
    await migrate(pool, dir, room);
    const subscription = await insertSubscription(pool);
    // Inserts a row as a relay of the earlier version did.
    const insert = (node: string) =>
      pool.query(
        `INSERT INTO hookgraph.deliveries (subscription_id, topic_id, tenant, typename, node_key)
         SELECT id, topic_id, tenant, 'Thing', $1 FROM hookgraph.subscriptions`,
        [node],
      );
    for (const node of ['due', 'leased', 'held', 'unexplained', 'done']) await insert(node);
    await pool.query(`
      UPDATE hookgraph.deliveries SET lease_until = now() + interval '1 minute', lease_token = 7 WHERE node_key = 'leased';
      UPDATE hookgraph.deliveries SET state = 'HELD', reason = 'BROKEN' WHERE node_key = 'held';
      UPDATE hookgraph.deliveries SET state = 'HELD' WHERE node_key = 'unexplained';
      UPDATE hookgraph.deliveries SET state = 'DELIVERED' WHERE node_key = 'done'`);

    expect(await migrate(pool, room.dir, room)).toContain(UPGRADE);
    expect(await outOfStep(pool)).toEqual([]);
    const { rows } = await pool.query(
      `SELECT d.node_key AS node, o.held_for AS held, o.lease_token AS token FROM hookgraph.open_deliveries o
       JOIN hookgraph.deliveries d ON d.id = o.delivery_id ORDER BY d.id`,
    );
    expect(rows).toEqual([
      { node: 'due', held: null, token: null },
      { node: 'leased', held: null, token: '7' },
      { node: 'held', held: 'BROKEN', token: null },
      { node: 'unexplained', held: 'NODE', token: null },
    ]);
    const claimed = await claimDue(pool, [{ subscriptionId: subscription, count: 10, after: null }]);
    expect(claimed.map(({ nodeKey }) => nodeKey)).toEqual(['due']);
    await expect(insert('lost')).rejects.toThrow('due_at');
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
});
