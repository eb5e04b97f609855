// Tests that the attached SQL has a version.
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { CAPTURE_VERSION, expectedFunctions } from '../../../src/webhooks/capture/expected-objects.js';
import type { AnnouncedTable } from '../../../src/webhooks/capture/row-sql.js';
import { readTableFacts, type TableFacts } from '../../../src/webhooks/capture/table-facts.js';
import { triggersOf } from '../../../src/webhooks/capture/trigger-sql.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { testDatabase } from '../../support/database.js';
import { THINGS, thing } from './captured-tables.js';

// Databases compare attached SQL by version. If this test fails, increase CAPTURE_VERSION, and update the fingerprint here.
it('has a version for the SQL that it writes', async () => {
  const db = await testDatabase();
  await db.pool.query(THINGS);
  const facts = await readTableFacts(db.pool, [thing().table]);
  await db.close();
  const columns = { id: 'id', tenant: 'tenant', name: 'name' };
  const alike = { ...(facts[0] as TableFacts), oid: 1, subscriptions: ['s'], knowsChunks: true };
  const of = (rest: Partial<AnnouncedNode>): AnnouncedTable => ({ node: thing({ columns, ...rest }), facts: alike });
  const tables = [
    of({ updatedAt: 'name', softDelete: { column: 'name' }, environment: { column: 'name' } }),
    of({ typename: 'ByParent', tenant: { parent: { column: 'id', typename: 'Thing' } } }),
    of({ typename: 'BySql', tenant: { sql: 'r.tenant' } }),
    of({ typename: 'BySeveral', tenant: { several: { typename: 'Thing', columns: ['id'] } } }),
    of({
      typename: 'Linked',
      updatedAt: 'name',
      links: [{ field: 'others', table: { schema: 'public', name: 'links' }, key: ['a', 'b'], columns: ['a'], otherColumns: ['b'] }],
    }),
    of({ typename: 'ByChildren', tenant: { children: { typename: 'Thing', columns: ['id'] } } }),
  ];
  const written = JSON.stringify([expectedFunctions(tables).map(({ sql }) => sql), tables.map((table) => triggersOf(table, 'hookgraph'))]);
  expect([CAPTURE_VERSION, createHash('sha256').update(written).digest('hex').slice(0, 16)]).toEqual([5, '9d0e2bcf12d27c6e']);
});
