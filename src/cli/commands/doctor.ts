// Everything that Hookgraph stands on in, whether each is as it should be out, with what to do. Exit code 1 where something fails.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { type Config, readConfig } from '../../runtime/config.js';
import { keyFile } from '../../runtime/keys.js';
import { createPlainLog } from '../../runtime/plain-log.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Client } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import type { Terminal } from '../terminal.js';
import { nameOf, whoIs } from '../who-is.js';

type Outcome = 'OK' | 'WARN' | 'FAIL';

interface Finding {
  check: string;
  outcome: Outcome;
  message: string;
  /** What to do; null: nothing. */
  hint: string | null;
}

const OLDEST_NODE = [20, 19] as const;
const CLOCK_SKEW_MS = 5_000;
/** What waits longer waits in vain: a worker looks twice a second. */
const PATIENCE_S = 30;

export function addDoctor(program: Command, cli: Cli): void {
  addAnswering(
    program,
    'doctor',
    'check what Hookgraph stands on: Node, configuration, database, keys, API, worker, clock, subscriptions',
    ['doctor'],
  ).action(async (options: Answering) => {
    const findings: Finding[] = [];
    const tell = (finding: Finding) => {
      findings.push(finding);
      if (!options.json) tellFinding(cli.terminal, finding);
    };
    await examine(cli, tell);
    if (options.json) cli.terminal.json(findings);
    const failures = findings.filter(({ outcome }) => outcome === 'FAIL').length;
    if (failures > 0) throw new RuntimeError('UNHEALTHY', `${failures} of ${findings.length} checks failed`);
  });
}

function tellFinding(terminal: Terminal, { check, outcome, message, hint }: Finding): void {
  if (!terminal.isTty) {
    terminal.table([], [[outcome.toLowerCase(), check, message, hint]]);
    return;
  }
  const colour = outcome === 'OK' ? 'green' : outcome === 'WARN' ? 'yellow' : 'red';
  terminal.say(`${terminal.paint(colour, outcome.toLowerCase().padEnd(4))}  ${check.padEnd(13)}  ${message}`);
  if (hint) terminal.say(`${' '.repeat(21)}${hint}`);
}

type Tell = (finding: Finding) => void;

const finding = (check: string, outcome: Outcome, message: string, hint: string | null = null): Finding => ({
  check,
  outcome,
  message,
  hint,
});

async function examine(cli: Cli, tell: Tell): Promise<void> {
  tell(checkNode(process.versions.node));
  const config = await attempt('configuration', tell, async () => readConfig(cli.env));
  if (!config) return;
  tell(finding('configuration', 'OK', 'every variable can be read'));
  tell(checkNetworks(config));
  const url = config.databaseUrl ?? (await readFile(join(config.dataDir, 'database-url'), 'utf8').catch(() => null))?.trim() ?? null;
  if (url === null)
    tell(
      finding(
        'database',
        'WARN',
        'none has been started from this folder',
        'Run `npm start`, or set DATABASE_URL. Far away, this is as it should be.',
      ),
    );
  else {
    tell(await checkKeyFile(config));
    await checkStore(url, config, tell);
  }
  const client = await attempt('login', tell, () => cli.connect());
  if (client) await checkApi(client, tell);
}

/** What it throws is told as a failure; then null. */
async function attempt<T>(check: string, tell: Tell, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const { message, hint } = error as RuntimeError;
    tell(finding(check, 'FAIL', message, hint ?? null));
    return null;
  }
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return finding('node', isOld ? 'FAIL' : 'OK', version, isOld ? `Hookgraph needs ${OLDEST_NODE.join('.')} or newer.` : null);
}

function checkNetworks({ allowedNetworks, databaseUrl }: Pick<Config, 'allowedNetworks' | 'databaseUrl'>): Finding {
  const open = allowedNetworks.filter((network) => /\/0$/.test(network));
  const own = allowedNetworks.filter((network) => /^(127\.|::1|169\.254\.)/.test(network));
  if (open.length > 0)
    return finding(
      'networks',
      'FAIL',
      `deliveries may reach everything: ${open.join(', ')}`,
      'Name the networks that they need in HOOKGRAPH_ALLOWED_NETWORKS.',
    );
  if (databaseUrl !== null && own.length > 0)
    return finding(
      'networks',
      'WARN',
      `deliveries may reach this machine: ${own.join(', ')}`,
      'On a machine that others can subscribe at, take it out of HOOKGRAPH_ALLOWED_NETWORKS.',
    );
  return finding(
    'networks',
    'OK',
    allowedNetworks.length === 0 ? 'no private network is reached' : `private ones that are reached: ${allowedNetworks.join(', ')}`,
  );
}

async function checkKeyFile(config: Config): Promise<Finding> {
  if (config.encryptionKeys) return finding('keys', 'OK', `${config.encryptionKeys.length} in HOOKGRAPH_ENCRYPTION_KEYS`);
  const file = keyFile(config);
  const found = await stat(file).catch(() => null);
  if (!found)
    return finding(
      'keys',
      'WARN',
      `there are none in ${config.dataDir} yet`,
      'The first process that starts makes one; on several machines set HOOKGRAPH_ENCRYPTION_KEYS.',
    );
  if ((found.mode & 0o077) !== 0 && process.platform !== 'win32')
    return finding('keys', 'FAIL', `others may read ${file}`, `chmod 600 ${file}`);
  return finding('keys', 'OK', `in ${file}; keep a copy elsewhere`);
}

async function checkStore(url: string, config: Config, tell: Tell): Promise<void> {
  const { checkDatabase, openPool } = await import('../../runtime/database.js');
  const { loadKeys } = await import('../../runtime/keys.js');
  const { refuseUnlessMigrated } = await import('../installation.js');
  const { createVault, checkKeys } = await import('../../webhooks/index.js');
  const log = createPlainLog('silent');
  const answers = await attempt('database', tell, () => checkDatabase(url).then(() => true));
  if (!answers) return;
  const pool = openPool(url, { log, name: 'hookgraph doctor', max: 1, schema: config.databaseSchema });
  try {
    const { rows } = await pool.query("SELECT current_setting('server_version') AS version, clock_timestamp() AS now");
    tell(finding('database', 'OK', `Postgres ${rows[0].version} answers`));
    const skewMs = Math.abs(rows[0].now.getTime() - Date.now());
    tell(
      skewMs > CLOCK_SKEW_MS
        ? finding(
            'clock',
            'FAIL',
            `this machine's and the database's differ by ${Math.round(skewMs / 1000)} s`,
            'Synchronize both (NTP): receivers refuse signatures from another time.',
          )
        : finding('clock', 'OK', "this machine's and the database's agree"),
    );
    const migrated = await attempt('migrations', tell, () => refuseUnlessMigrated(url, config, log).then(() => true));
    if (!migrated) return;
    tell(finding('migrations', 'OK', 'all are applied'));
    if (config.encryptionKeys || (await stat(keyFile(config)).catch(() => null)))
      await attempt('keys', tell, async () => void (await checkKeys(pool, createVault(await loadKeys(config)), { activate: false })));
    await checkWorker(pool, tell);
    await checkWithoutTenant(pool, tell);
  } finally {
    await pool.end();
  }
}

async function checkWorker(pool: pg.Pool, tell: Tell): Promise<void> {
  const { rows } = await pool.query(
    `
    WITH queued AS (SELECT id FROM hookgraph.captures UNION ALL SELECT event_id FROM hookgraph.event_queue)
    SELECT (SELECT count(*)::int FROM queued) AS events,
      (SELECT extract(epoch FROM clock_timestamp() - hookgraph.time_of(min(id))) FROM queued) AS "eventSeconds",
      (SELECT count(*)::int FROM hookgraph.open_deliveries WHERE held_for IS NULL AND due_at < clock_timestamp() - $1::float8 * interval '1 s') AS due`,
    [PATIENCE_S],
  );
  const { events, eventSeconds, due } = rows[0];
  const isLate = Number(eventSeconds ?? 0) > PATIENCE_S || due > 0;
  if (!isLate) return tell(finding('worker', 'OK', events > 0 ? `${events} events are under way` : 'nothing waits for one'));
  tell(
    finding(
      'worker',
      'FAIL',
      `${events} events and ${due} deliveries have waited for more than ${PATIENCE_S} s`,
      'Start one with `hookgraph worker`, or more of them.',
    ),
  );
}

async function checkWithoutTenant(pool: pg.Pool, tell: Tell): Promise<void> {
  const { rows } = await pool.query<{ count: number; first: string[] }>(`
    WITH found AS (SELECT id, typename, node_key FROM hookgraph.events WHERE tenant IS NULL ORDER BY id LIMIT 1001)
    SELECT count(*)::int AS count, (array_agg(typename || ' ' || left(node_key, 100) ORDER BY id))[1:3] AS first FROM found`);
  const { count = 0, first } = rows[0] ?? {};
  if (count === 0) return tell(finding('tenants', 'OK', 'every event has one'));
  tell(
    finding(
      'tenants',
      'WARN',
      `${count > 1000 ? 'more than 1,000' : count} events reached nobody, since nothing says whose they are: ${first?.join(', ')}${count > 3 ? ', …' : ''}`,
      'List them as an operator by `webhookEventsWithoutTenant`; `assignWebhookEvents` sends them after all.',
    ),
  );
}

async function checkApi(client: Client, tell: Tell): Promise<void> {
  // An adopter's endpoint says nothing of our own paths.
  if (new URL(client.url).pathname === '/' && !(await checkReady(client, tell))) return;
  const who = await attempt('login', tell, async () => ({ found: await whoIs(client) }));
  if (!who) return;
  tell(finding('login', 'OK', who.found ? `as ${nameOf(who.found)}` : `${client.url} takes the token`));
  const all = await attempt('subscriptions', tell, () => client.list(SUBSCRIPTIONS, {}, Number.POSITIVE_INFINITY));
  if (all) for (const one of checkSubscriptions(all as Listed[])) tell(one);
}

/** Answers whether anything answered. */
async function checkReady(client: Client, tell: Tell): Promise<boolean> {
  const sentAt = Date.now();
  const readyz = await attempt('API', tell, () =>
    fetch(`${client.url}/readyz`, { signal: AbortSignal.timeout(10_000) }).catch((cause: Error) => {
      throw new RuntimeError('API_UNREACHABLE', `Nothing answers at ${client.url}`, 'Start it with `npm start` or `hookgraph api`.', {
        cause,
      });
    }),
  );
  if (!readyz) return false;
  const isReady = readyz.status === 200;
  tell(
    finding(
      'API',
      isReady ? 'OK' : 'FAIL',
      `${client.url} ${isReady ? 'is ready' : `is not ready: ${(await readyz.text()).slice(0, 300)}`}`,
    ),
  );
  const skewMs = Math.abs(Date.parse(readyz.headers.get('date') ?? '') - (sentAt + Date.now()) / 2);
  if (skewMs > CLOCK_SKEW_MS)
    tell(finding('clock', 'WARN', `this machine's and the API's differ by ${Math.round(skewMs / 1000)} s`, 'Synchronize both (NTP).'));
  return true;
}

const SUBSCRIPTIONS = `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) {
  nodes { id name status disabledReason disabledMessage heldReason } pageInfo { hasNextPage endCursor } } }`;

interface Listed {
  id: string;
  name: string | null;
  status: string;
  disabledReason: string | null;
  disabledMessage: string | null;
  heldReason: string | null;
}

function checkSubscriptions(all: readonly Listed[]): Finding[] {
  const off = all.filter(({ status, disabledReason }) => status === 'DISABLED' && disabledReason !== 'OWNER');
  const held = all.filter(({ status }) => status === 'HELD');
  const told = ({ name, id }: Listed, why: string | null) => `${name ?? id}: ${why ?? 'no reason is given'}`;
  const findings = [
    ...off.map((one) =>
      finding(
        'subscription',
        'WARN',
        `was switched off. ${told(one, one.disabledMessage ?? one.disabledReason)}`,
        `hookgraph webhooks enable ${one.id}`,
      ),
    ),
    ...held.map((one) =>
      finding('subscription', 'WARN', `is held. ${told(one, one.heldReason)}`, `Correct it: hookgraph webhooks update ${one.id}`),
    ),
  ];
  return findings.length > 0 ? findings : [finding('subscriptions', 'OK', `${all.length}, none held or switched off by a rule`)];
}
