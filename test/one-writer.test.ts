// Tests that only the files which own a table of the engine write it: a statement elsewhere in src fails, as a planted one shows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/** The files that move deliveries between states. */
const STATES = ['state.ts', 'state.sql', 'moves.ts']
  .map((name) => `base/store/delivery-${name}`)
  .concat('base/store/ordered-deliveries.ts');

/** The files that may write a table, relative to src/webhooks. A comment gives the reason for further files. */
const OWNERS: Record<string, string[]> = {
  // The other files delete what ended long ago, and move rows to the beginning of the table.
  deliveries: [...STATES, 'base/store/history.ts', 'base/store/tenant-history.ts', 'base/store/deliveries-space.ts'],
  open_deliveries: STATES,
  ordered_deliveries: ['base/store/ordered-deliveries.ts'],
  sequences: ['base/store/sequences.ts'],
  sequence_numbers: ['base/store/sequences.ts'],
  replaced_deliveries: ['base/store/ordered-deliveries.ts'],
  clock: ['base/store/clock.ts'],
  // The second file blanks the contents of nodes to be forgotten; the third deletes and blanks what the tenant no longer keeps.
  attempts: ['verdict/attempt-rows.sql', 'base/store/forgettings.ts', 'base/store/tenant-history.ts'],
  exchanges: ['verdict/attempt-rows.sql', 'base/store/exchange-rows.ts'],
  forgettings: ['base/store/forgettings.ts'],
  retention: ['base/store/retention.ts'],
  tenant_retention: ['base/store/tenant-retention.ts'],
  tenant_retention_changes: ['base/store/tenant-retention.ts'],
  // The .sql file adds counts; the .ts file counts again after the clock was set back.
  attempt_stats: ['base/store/attempt-stats.sql', 'base/store/attempt-stats.ts'],
  attempt_stats_position: ['base/store/attempt-stats.sql', 'base/store/attempt-stats.ts'],
  dismissals: ['base/store/errors.ts'],
  subscriptions: ['base/store/subscription-status.ts', 'operations/create.ts', 'operations/save.ts'],
  subscription_versions: ['operations/save.ts'],
  secrets: ['base/store/secrets.ts'],
  paces: ['base/store/paces.ts'],
  workers: ['base/store/workers.ts'],
  installation: ['base/store/installation.ts'],
  audit_log: ['base/store/audit.ts'],
  encryption_keys: ['base/secrets/vault.ts'],
  topics: ['capture/topics.ts'],
  node_types: ['capture/attach-triggers.ts'],
  links: ['capture/attach-triggers.ts'],
  split_transactions: ['fan-out/relay.ts'],
  tenant_sources: ['capture/attach-triggers.ts'],
  managed_topics: ['destinations/sns/managed-sns-topics.ts'],
  // A trigger function records a fault; the worker that logs it marks it.
  capture_faults: ['capture/shared-functions.ts', 'capture/log-faults.ts'],
  // A trigger appends; the relay takes, or drops a change that no event can hold.
  captures: ['capture/trigger-sql.ts', 'fan-out/relay.sql', 'fan-out/drop-unstorable.ts'],
  // The relay inserts; an operator may assign a tenant later, and then queues the event again. The last file deletes tenants' old history.
  events: [
    'fan-out/relay.sql',
    'fan-out/record-events.sql',
    'fan-out/related.sql',
    'base/store/without-tenant.ts',
    'fan-out/drop-unstorable.ts',
    'base/store/forgettings.ts',
    'base/store/tenant-history.ts',
  ],
  layouts: ['fan-out/record-events.sql'],
  event_queue: ['fan-out/relay.sql', 'base/store/without-tenant.ts', 'fan-out/related.sql'],
  // The relay queues changes of rows to which nodes are related; the step beside it takes them.
  related_changes: ['fan-out/relay.sql', 'fan-out/related-queue.ts'],
  // The relay defers large fan-outs; fan-out.sql creates their deliveries.
  fan_outs: ['fan-out/relay.sql', 'fan-out/fan-out.sql'],
  forgotten: ['base/store/forgotten.ts'],
  bulk_actions: ['base/store/bulk-actions.ts'],
  bulk_action_parts: ['base/store/bulk-actions.ts'],
  // An operation starts and cancels a replay; a worker advances it.
  replays: ['base/store/replays.ts', 'base/store/snapshots.ts', 'fan-out/replay.sql', 'fan-out/snapshot.sql'],
};

const WRITE = /\b(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?|MERGE INTO|COPY)\s+(?:ONLY\s+)?hookgraph\.(\w+)/gi;

const writesOf = (text: string): string[] => [...text.matchAll(WRITE)].map(([, table = '']) => table);

/** Returns the breaches in these files, each as `file writes table`. */
function breachesOf(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, text]) =>
    [...new Set(writesOf(text))].filter((table) => !OWNERS[table]?.includes(file)).map((table) => `${file} writes ${table}`),
  );
}

const sources = new Map(
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs|sql)$/.test(file) && !file.startsWith('generated/'))
    .map((file) => [file.replace(/^webhooks\//, ''), readFileSync(join(SRC, file), 'utf8')]),
);

it('finds no write of a table outside of its owner', () => {
  expect(breachesOf(sources)).toEqual([]);
});

it('names no owner in vain', () => {
  const idle = Object.entries(OWNERS).flatMap(([table, files]) =>
    files.filter((file) => !writesOf(sources.get(file) ?? '').includes(table)).map((file) => `${file} doesn't write ${table}`),
  );
  expect(idle).toEqual([]);
});

it('knows every table of the engine', () => {
  const schema = readFileSync(join(SRC, '../prisma/webhooks/schema.prisma'), 'utf8');
  const tables = [...schema.matchAll(/@@map("(\w+)")/g)].map(([, name]) => name as string);
  expect(tables.filter((table) => !(table in OWNERS))).toEqual([]);
});

it.each([
  ['a stage', 'lease/claim.ts', "db.query('DELETE FROM hookgraph.open_deliveries WHERE delivery_id = $1')", 'open_deliveries'],
  ['a statement file', 'fan-out/relay.sql', 'x AS (\n  INSERT INTO\n    hookgraph.deliveries (id) SELECT 1)', 'deliveries'],
  ['an operation', 'operations/resend.ts', '`UPDATE hookgraph.subscriptions SET disabled_at = NULL`', 'subscriptions'],
  ['a store', 'base/store/errors.ts', '`update only hookgraph.attempts SET message = NULL`', 'attempts'],
])('refuses a planted write by %s', (_who, file, statement, table) => {
  expect(breachesOf(new Map([[file, statement]]))).toEqual([`${file} writes ${table}`]);
});
