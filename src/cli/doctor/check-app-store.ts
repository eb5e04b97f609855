// Checks the database of the application in the file of `--app`, its announced tables and its worker.
import type { Hookgraph } from '../../index.js';
import { listPendingMigrations } from '../../runtime/migrate.js';
import { ENGINE_MIGRATIONS } from '../../runtime/migration-sets.js';
import { schemaOf } from '../../runtime/schema-name.js';
import { checkKeys } from '../../webhooks/index.js';
import { checkServer, checkWithoutTenant, checkWorker, checkWriters } from './check-store.js';
import { attempt, finding, type Report } from './finding.js';

export async function checkAppStore(hooks: Hookgraph, report: Report): Promise<void> {
  const { webhooks } = hooks;
  const { pool } = webhooks.engine;
  await checkServer(pool, report);
  const pending = await listPendingMigrations(pool, ENGINE_MIGRATIONS.dir, schemaOf(pool));
  if (pending.length > 0)
    return report(
      finding(
        'migrations',
        'FAIL',
        `${pending.length === 1 ? '1 migration is' : `${pending.length} migrations are`} not applied: ${pending.join(', ')}`,
        'Run `hookgraph migrate`.',
      ),
    );
  report(finding('migrations', 'OK', 'all migrations are applied'));
  const opened = await attempt('keys', report, async () => {
    await checkKeys(pool, webhooks.engine.vault, { activate: false });
    return true;
  });
  if (opened)
    report(
      finding(
        'keys',
        'OK',
        `the configured keys can decrypt all secrets; their fingerprints, newest first: ${webhooks.engine.vault.fingerprints.join(', ')}`,
      ),
    );
  const problems = await hooks.check();
  for (const { severity, subject, message, hint } of problems)
    report(finding('announcement', severity === 'ERROR' ? 'FAIL' : 'WARN', `${subject}: ${message}`, hint));
  if (problems.length === 0) report(finding('announcement', 'OK', 'tables, triggers, finders and stored queries have no problems'));
  await checkWriters(pool, report);
  await checkWorker(pool, report);
  await checkWithoutTenant(pool, report);
}
