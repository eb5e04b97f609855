// `hookgraph doctor`: checks everything that Hookgraph depends on, and prints advice. Exit code 1 when a check fails.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, readConfig } from '../../runtime/config.js';
import { keyFile } from '../../runtime/keys.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Client } from '../client.js';
import { type Answering, addAnswering, appOption, type Cli, type Command } from '../command.js';
import { checkStore } from '../doctor/check-store.js';
import { attempt, CLOCK_SKEW_MS, type Finding, finding, type Report } from '../doctor/finding.js';
import { quoted } from '../quoted.js';
import type { Terminal } from '../terminal.js';
import { nameOf, whoIs } from '../who-is.js';

const OLDEST_NODE = [20, 19] as const;

export function addDoctor(program: Command, cli: Cli): void {
  addAnswering(
    program,
    'doctor',
    'check Node, the configuration, the database, keys, capture, the API, the worker, clocks and your subscriptions',
    ['doctor', 'doctor --app ./hookgraph.ts'],
  )
    .addOption(appOption())
    .action(async (options: Answering & { app?: string }) => {
      const findings: Finding[] = [];
      const report = (finding: Finding) => {
        findings.push(finding);
        if (!options.json) printFinding(cli.terminal, finding);
      };
      if (options.app === undefined) await examine(cli, report);
      else await examineApp(options.app, report);
      if (options.json) cli.terminal.json(findings);
      const failures = findings.filter(({ outcome }) => outcome === 'FAIL').length;
      if (failures > 0) throw new RuntimeError('UNHEALTHY', `${failures} of ${findings.length} checks failed`);
    });
}

function printFinding(terminal: Terminal, { check, outcome, message, hint }: Finding): void {
  if (!terminal.isTty) {
    terminal.table([], [[outcome.toLowerCase(), check, message, hint]]);
    return;
  }
  const colour = outcome === 'OK' ? 'green' : outcome === 'WARN' ? 'yellow' : 'red';
  terminal.say(`${terminal.paint(colour, outcome.toLowerCase().padEnd(4))}  ${check.padEnd(13)}  ${message}`);
  if (hint) terminal.say(`${' '.repeat(21)}${hint}`);
}

async function examine(cli: Cli, report: Report): Promise<void> {
  report(checkNode(process.versions.node));
  const config = await attempt('configuration', report, async () => {
    (await import('../../webhooks/index.js')).readDestinationOptions(cli.env);
    return readConfig(cli.env);
  });
  if (!config) return;
  report(finding('configuration', 'OK', 'every variable is valid'));
  report(checkNetworks(config));
  const url = config.databaseUrl ?? (await readFile(join(config.dataDir, 'database-url'), 'utf8').catch(() => null))?.trim() ?? null;
  if (url === null)
    report(
      finding(
        'database',
        'WARN',
        'no database was started from this folder',
        'Run `npm start`, or set DATABASE_URL. Ignore this if Hookgraph runs on another machine.',
      ),
    );
  else {
    const keys = await attempt('keys', report, () => checkKeyFile(config));
    if (keys) report(keys);
    await checkStore(url, config, report, cli.env);
  }
  // An operator of the database and the workers needs no login to the API.
  const client = await cli.connect().catch((error: RuntimeError) => {
    report(finding('login', config.databaseUrl !== null && error.code === 'NOT_LOGGED_IN' ? 'WARN' : 'FAIL', error.message, error.hint));
    return null;
  });
  if (client) await checkApi(client, report);
}

/** Checks the application in the file of --app: its database, and its announced tables. */
async function examineApp(path: string, report: Report): Promise<void> {
  report(checkNode(process.versions.node));
  const { loadApp } = await import('../adopter/load-app.js');
  const { checkAppStore } = await import('../doctor/check-app-store.js');
  const hooks = await attempt('application', report, () => loadApp(path));
  if (!hooks) return;
  try {
    await attempt('database', report, () => checkAppStore(hooks, report));
  } finally {
    await hooks.close();
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
      `deliveries may reach every address: ${open.join(', ')}`,
      'Set HOOKGRAPH_ALLOWED_NETWORKS to the private networks that deliveries need.',
    );
  if (databaseUrl !== null && own.length > 0)
    return finding(
      'networks',
      'WARN',
      `deliveries may reach this machine: ${own.join(', ')}`,
      'If other people can create subscriptions here, remove this network from HOOKGRAPH_ALLOWED_NETWORKS.',
    );
  return finding(
    'networks',
    'OK',
    allowedNetworks.length === 0
      ? 'deliveries may not reach any private network'
      : `deliveries may reach these private networks: ${allowedNetworks.join(', ')}`,
  );
}

async function checkKeyFile(config: Config): Promise<Finding> {
  if (config.encryptionKeys) return finding('keys', 'OK', `the keys are in HOOKGRAPH_ENCRYPTION_KEYS. ${await fingerprintsOf(config)}`);
  const file = keyFile(config);
  const found = await stat(file).catch(() => null);
  if (!found)
    return finding(
      'keys',
      'WARN',
      `${config.dataDir} contains no encryption keys yet`,
      'The first process that starts generates a key. If processes run on several machines, set HOOKGRAPH_ENCRYPTION_KEYS.',
    );
  if ((found.mode & 0o077) !== 0 && process.platform !== 'win32')
    return finding('keys', 'FAIL', `other users of this machine may read ${file}`, `Run \`chmod 600 ${quoted(file)}\`.`);
  return finding('keys', 'OK', `the keys are in ${file}; keep a copy elsewhere. ${await fingerprintsOf(config)}`);
}

/** Returns a text with the fingerprints of the encryption keys, by which error messages name a key without showing it. */
async function fingerprintsOf(config: Config): Promise<string> {
  const [{ loadKeys }, { createVault }] = await Promise.all([import('../../runtime/keys.js'), import('../../webhooks/index.js')]);
  return `Their fingerprints, newest first: ${createVault(await loadKeys(config)).fingerprints.join(', ')}`;
}

async function checkApi(client: Client, report: Report): Promise<void> {
  // An adopter's endpoint, whose URL has a path, doesn't serve /readyz.
  if (new URL(client.url).pathname === '/' && !(await checkReady(client, report))) return;
  const who = await attempt('login', report, async () => ({ found: await whoIs(client) }));
  if (!who) return;
  report(finding('login', 'OK', who.found ? `logged in as ${nameOf(who.found)}` : `${client.url} accepts the token`));
  const all = await attempt('subscriptions', report, () => client.list(SUBSCRIPTIONS, {}, Number.POSITIVE_INFINITY));
  if (all) for (const one of checkSubscriptions(all as Listed[])) report(one);
}

/** Calls /readyz of the API, and compares the clocks of both machines. Returns whether the API responded. */
async function checkReady(client: Client, report: Report): Promise<boolean> {
  const sentAt = Date.now();
  const readyz = await attempt('API', report, () =>
    fetch(`${client.url}/readyz`, { signal: AbortSignal.timeout(10_000) }).catch((cause: Error) => {
      throw new RuntimeError(
        'API_UNREACHABLE',
        `No server answers at ${client.url}`,
        'Start Hookgraph with `npm start` or `hookgraph api`.',
        {
          cause,
        },
      );
    }),
  );
  if (!readyz) return false;
  const isReady = readyz.status === 200;
  report(
    finding('API', isReady ? 'OK' : 'FAIL', `${client.url} ${isReady ? 'is ready' : `is not ready: ${reasonsOf(await readyz.text())}`}`),
  );
  const skewMs = Math.abs(Date.parse(readyz.headers.get('date') ?? '') - (sentAt + Date.now()) / 2);
  if (skewMs > CLOCK_SKEW_MS)
    report(
      finding(
        'clock',
        'WARN',
        `the clocks of this machine and of the API differ by ${Math.round(skewMs / 1000)} s`,
        'Synchronize both clocks (NTP).',
      ),
    );
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
  const disabled = all.filter(({ status, disabledReason }) => status === 'DISABLED' && disabledReason !== 'OWNER');
  const held = all.filter(({ status }) => status === 'HELD');
  const describe = ({ name, id }: Listed, why: string | null) => `${name ?? id}: ${why ?? 'no reason was recorded'}`;
  const findings = [
    ...disabled.map((one) =>
      finding(
        'subscription',
        'WARN',
        `was disabled by a rule. ${describe(one, one.disabledMessage ?? one.disabledReason)}`,
        `Correct the cause, then run \`hookgraph webhooks enable ${one.id}\`.`,
      ),
    ),
    ...held.map((one) =>
      finding(
        'subscription',
        'WARN',
        `is held because its query or a template no longer works. ${describe(one, one.heldReason)}`,
        `Correct the subscription with \`hookgraph webhooks update ${one.id}\`.`,
      ),
    ),
  ];
  return findings.length > 0
    ? findings
    : [
        finding(
          'subscriptions',
          'OK',
          all.length === 1
            ? 'your subscription is neither held nor disabled by a rule'
            : `none of your ${all.length} subscriptions is held or disabled by a rule`,
        ),
      ];
}

/** Reads the response of /readyz, such as `{"status": "the worker is stuck", "problems": ["The loop relay has …"]}`. */
function reasonsOf(body: string): string {
  try {
    const { status, problems = [] } = JSON.parse(body) as { status: string; problems?: string[] };
    return [status, ...problems].join('\n');
  } catch {
    return 'it answered no JSON; is this the URL of a Hookgraph API?';
  }
}
