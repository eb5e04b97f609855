// Refuses to migrate when tables have capture triggers and this application announces none of them: the triggers seem to be those of
// another application, and migrating would drop them.
import type { Pool } from 'pg';
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode } from '../base/model.js';
import { functionName } from './row-sql.js';

/**
 * Throws when tables have capture triggers and none of them is announced. An application that announces no table at all may migrate: it
 * removes all triggers on purpose.
 * @throws WebhooksError OTHER_APPLICATION
 */
export async function refuseOtherApplication(pool: Pool, nodes: AnnouncedNode[]): Promise<void> {
  if (nodes.length === 0) return;
  const { rows: captured } = await pool.query<{ schema: string; name: string; functions: string[] }>(CAPTURED);
  // A table may have been renamed since, but its triggers still call the function that is named after the announced table.
  const isOurs = captured.some(({ schema, name, functions }) =>
    nodes.some((node) => (node.table.schema === schema && node.table.name === name) || functions.includes(functionName('capture', node))),
  );
  if (captured.length === 0 || isOurs) return;
  throw new WebhooksError(
    'OTHER_APPLICATION',
    `Another application seems to use this schema for its webhooks: ${captured.map(({ schema, name }) => `${schema}.${name}`).join(', ')} ${captured.length === 1 ? 'is' : 'are'} captured, but this application announces no such table.`,
    'Give this application its own schema (`databaseSchema`). If no other application uses this schema, run `hookgraph detach` first.',
  );
}

const CAPTURED = `
  SELECT n.nspname AS schema, c.relname AS name, array_agg(p.proname::text) AS functions
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE p.pronamespace = 'hookgraph'::regnamespace AND c.relnamespace <> p.pronamespace AND NOT t.tgisinternal AND NOT c.relispartition
  GROUP BY 1, 2 ORDER BY 1, 2`;
