// Refuses an application that would take another's triggers off: one whose announced tables have nothing to do with the captured ones.
import type { Pool } from 'pg';
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode } from '../base/model.js';
import { functionName } from './row-sql.js';

/** Throws `OTHER_APPLICATION`. Whoever announces nothing detaches on purpose. */
export async function refuseOtherApplication(pool: Pool, nodes: AnnouncedNode[]): Promise<void> {
  if (nodes.length === 0) return;
  const { rows: captured } = await pool.query<{ schema: string; name: string; functions: string[] }>(CAPTURED);
  // A table that was swapped since has another name, and triggers that call the function of the announced one.
  const isOurs = captured.some(({ schema, name, functions }) =>
    nodes.some((node) => (node.table.schema === schema && node.table.name === name) || functions.includes(functionName('capture', node))),
  );
  if (captured.length === 0 || isOurs) return;
  throw new WebhooksError(
    'OTHER_APPLICATION',
    `Another application seems to keep its webhooks here: ${captured.map(({ schema, name }) => `${schema}.${name}`).join(', ')} ${captured.length === 1 ? 'is' : 'are'} captured, and this one announces no such table.`,
    'Give this application a schema of its own (`databaseSchema`). If there is no other, run `hookgraph detach` first.',
  );
}

const CAPTURED = `
  SELECT n.nspname AS schema, c.relname AS name, array_agg(p.proname::text) AS functions
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE p.pronamespace = 'hookgraph'::regnamespace AND c.relnamespace <> p.pronamespace AND NOT t.tgisinternal AND NOT c.relispartition
  GROUP BY 1, 2 ORDER BY 1, 2`;
