// Checks the database for `hookgraph doctor`: its clock, migrations, encryption keys, the triggers that record changes, and
// whether work waits too long for a worker.
import { stat } from 'node:fs/promises';
import type pg from 'pg';
import type { Config, Environment } from '../../runtime/config.js';
import { keyFile } from '../../runtime/keys.js';
import type { Logger } from '../../runtime/logger.js';
import { createPlainLog } from '../../runtime/plain-log.js';
import type { CaptureFinding } from '../../webhooks/index.js';
import { loadSample } from '../sample.js';
import { checkHistory } from './check-history.js';
import { attempt, CLOCK_SKEW_MS, finding, type Report } from './finding.js';

/** Seconds after which waiting work means that no worker runs, or too few. A free worker starts new work within a second. */
const MAX_WAIT_S = 30;

/** Checks the sample product's database. */
export async function checkStore(url: string, config: Config, report: Report, env?: Environment): Promise<void> {
  const { checkDatabase, openPool } = await import('../../runtime/database.js');
  const { loadKeys } = await import('../../runtime/keys.js');
  const { refuseUnlessMigrated } = await import('../installation.js');
  const { createVault, checkKeys } = await import('../../webhooks/index.js');
  const log = createPlainLog('silent');
  const answers = await attempt('database', report, () => checkDatabase(url).then(() => true));
  if (!answers) return;
  const pool = openPool(url, { log, name: 'hookgraph doctor', max: 1, schema: config.databaseSchema });
  try {
    await checkServer(pool, report);
    const migrated = await attempt('migrations', report, () => refuseUnlessMigrated(url, config, log).then(() => true));
    if (!migrated) return;
    report(finding('migrations', 'OK', 'all migrations are applied'));
    if (config.encryptionKeys || (await stat(keyFile(config)).catch(() => null)))
      await attempt('keys', report, async () => void (await checkKeys(pool, createVault(await loadKeys(config)), { activate: false })));
    await checkCapture(pool, { url, config, log }, report);
    await checkWriters(pool, report);
    await checkWorker(pool, report);
    await checkAddress(pool, config, report, env);
    await checkWithoutTenant(pool, report);
    await checkHistory(pool, config, report);
  } finally {
    await pool.end();
  }
}

/** Warns if URLs in payloads can be opened on this machine only, unless the database is the embedded one, which is for trying out. */
async function checkAddress(pool: pg.Pool, config: Config, report: Report, env?: Environment): Promise<void> {
  const { isLocalUrl, readAddress } = await import('../address.js');
  const { baseUrl } = await readAddress(pool, config, env);
  const message = `URLs in payloads begin with ${baseUrl}`;
  if (config.databaseUrl === null || !isLocalUrl(baseUrl)) return report(finding('base URL', 'OK', message));
  report(finding('base URL', 'WARN', `${message}, which only this machine can open`, 'Set HOOKGRAPH_BASE_URL where the API starts.'));
}

async function checkCapture(
  pool: pg.Pool,
  { url, config, log }: { url: string; config: Config; log: Logger },
  report: Report,
): Promise<void> {
  const sample = await loadSample().catch(() => null);
  if (!sample) {
    report(
      finding(
        'capture',
        'WARN',
        'the capture was not checked, because doctor does not know which tables are announced',
        'Pass your application: `hookgraph doctor --app ./hookgraph.ts`.',
      ),
    );
    return;
  }
  const { findOutOfStep } = await import('../../webhooks/index.js');
  // A dummy key, because no secret is decrypted here.
  const hooks = sample.createHooks({ database: url, databaseSchema: config.databaseSchema, keys: [Buffer.alloc(32)], log });
  await attempt('capture', report, async () => {
    await hooks.ready();
    reportCapture(await findOutOfStep(pool, hooks.webhooks.engine.host.nodes), report);
  }).finally(() => hooks.close());
}

export async function checkServer(pool: pg.Pool, report: Report): Promise<void> {
  const { rows } = await pool.query("SELECT current_setting('server_version') AS version, clock_timestamp() AS now");
  report(finding('database', 'OK', `Postgres ${rows[0].version} answers`));
  const skewMs = Math.abs(rows[0].now.getTime() - Date.now());
  report(
    skewMs > CLOCK_SKEW_MS
      ? finding(
          'clock',
          'FAIL',
          `the clocks of this machine and of the database differ by ${Math.round(skewMs / 1000)} s`,
          'Synchronize both clocks (NTP), because receivers reject signatures with a wrong time.',
        )
      : finding('clock', 'OK', 'the clocks of this machine and of the database agree'),
  );
}

function reportCapture(findings: CaptureFinding[], report: Report): void {
  if (findings.length === 0) report(finding('capture', 'OK', 'every change of the announced tables is recorded'));
  for (const { loses, message, hint } of findings) report(finding('capture', loses ? 'FAIL' : 'WARN', message, hint));
}

/** Warns of roles whose changes are not recorded, because their sessions fire no triggers. */
export async function checkWriters(pool: pg.Pool, report: Report): Promise<void> {
  const { findSilencedWriters } = await import('../../webhooks/index.js');
  for (const { message, hint } of await findSilencedWriters(pool)) report(finding('capture', 'WARN', message, hint));
}

export async function checkWorker(pool: pg.Pool, report: Report): Promise<void> {
  const { rows } = await pool.query(
    `
    WITH queued AS (SELECT id FROM hookgraph.captures UNION ALL SELECT event_id FROM hookgraph.event_queue
      UNION ALL SELECT event_id FROM hookgraph.fan_outs)
    SELECT (SELECT count(*)::int FROM queued) AS events,
      (SELECT extract(epoch FROM clock_timestamp() - hookgraph.time_of(min(id))) FROM queued) AS "eventSeconds",
      (SELECT count(*)::int FROM hookgraph.open_deliveries WHERE held_for IS NULL AND due_at < clock_timestamp() - $1::float8 * interval '1 s') AS due`,
    [MAX_WAIT_S],
  );
  const { describeWorkers, readWorkers } = await import('../../webhooks/index.js');
  const workers = await readWorkers(pool);
  const { events, eventSeconds, due } = rows[0];
  const isLate = Number(eventSeconds ?? 0) > MAX_WAIT_S || due > 0;
  const said = describeWorkers(workers).replace(/^N/, 'n').replace(/\.$/, '');
  if (workers.running > 0) report(finding('worker', 'OK', said));
  else report(finding('worker', isLate ? 'FAIL' : 'WARN', said, 'Start a worker with `hookgraph worker`.'));
  if (!isLate)
    return report(
      finding('queue', 'OK', events > 0 ? `events that are being processed: ${events}` : 'no event is queued, and no delivery is overdue'),
    );
  report(
    finding(
      'queue',
      'FAIL',
      `${due} deliveries have been due for more than ${MAX_WAIT_S} s; ${events} events are queued, the oldest for ${Math.round(Number(eventSeconds ?? 0))} s`,
      'Start a worker with `hookgraph worker`, or start more workers.',
    ),
  );
}

export async function checkWithoutTenant(pool: pg.Pool, report: Report): Promise<void> {
  const { rows } = await pool.query<{ count: number; first: string[] }>(`
    WITH found AS (SELECT id, typename, node_key FROM hookgraph.events WHERE tenant IS NULL ORDER BY id LIMIT 1001)
    SELECT count(*)::int AS count, (array_agg(typename || ' ' || left(node_key, 100) ORDER BY id))[1:3] AS first FROM found`);
  const { count = 0, first } = rows[0] ?? {};
  if (count === 0) return report(finding('tenants', 'OK', 'every event has a tenant'));
  report(
    finding(
      'tenants',
      'WARN',
      `${count > 1000 ? 'more than 1,000' : count} events have no tenant and were not matched with subscriptions: ${first?.join(', ')}${count > 3 ? ', …' : ''}`,
      'As an operator, list them with `webhookEventsWithoutTenant` and send them with `assignWebhookEvents`.',
    ),
  );
}
