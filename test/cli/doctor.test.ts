// Runs `hookgraph doctor` in this process beside an API and a worker, on sound and on faulty installations.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { until } from '../support/until.js';

let t: ServedApp;
let cli: CommandLine;
beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  // Relays the changes that were recorded while the sample data was created.
  const working = await t.app.webhooks.work();
  await until('no change waits', async () => (await t.database.pool.query('SELECT FROM hookgraph.captures LIMIT 1')).rowCount === 0);
  await working.stop();
  cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN });
});
afterAll(async () => {
  await cli.close();
  await t.close();
});

it('doctor tells of each thing that Hookgraph stands on how it is, and ends with 1 where one fails', async () => {
  const env = { DATABASE_URL: t.database.url };
  const healthy = await cli.run(['doctor'], { env });
  const outcomes = (ran: { stdout: string }) =>
    ran.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t').slice(0, 2).join(' '));
  expect([healthy.stderr, healthy.code]).toEqual(['', 0]);
  expect(outcomes(healthy)).toEqual([
    'ok node',
    'ok configuration',
    'ok networks',
    'warn keys',
    'ok database',
    'ok clock',
    'ok migrations',
    'ok capture',
    'warn worker',
    'ok queue',
    'warn base URL',
    'ok tenants',
    'ok history',
    'ok API',
    'ok login',
    'ok subscriptions',
  ]);
  // No worker runs, so new events wait. A subscription whose receiver is gone gets disabled by a rule.
  const create = 'webhooks create --name Busy --topic environment/created --url http://127.0.0.1:8080/';
  await cli.json(...create.split(' '));
  const [busy] = await cli.json('webhooks', 'list');
  await t.ask('mutation { createEnvironment(environment: { name: "Late" }) { environment { id } } }');
  await t.database.pool.query('UPDATE hookgraph.captures SET id = id - (3600000::bigint << 20)');
  await t.database.pool.query(
    `UPDATE hookgraph.subscriptions SET disabled_at = now(), disabled_reason = 'GONE', disabled_message = 'It answered 410.' WHERE id = $1`,
    [busy.databaseId],
  );
  await t.database.pool.query(
    `INSERT INTO hookgraph.events (typename, node_key, operation) SELECT 'Scenario', n::text, 'updated' FROM generate_series(1, 4) n`,
  );
  const paused = await cli.run(['retention', '--pause', '--json'], { env: { ...env, HOOKGRAPH_KEEP_EVENTS_DAYS: '0' } });
  expect(JSON.parse(paused.stdout)).toMatchObject({
    limits: { bodies: 7, attempts: 30, errors: 90, events: null, bytes: null },
    kept: { events: expect.any(Number) },
    isPaused: true,
    isRunning: false,
  });
  // Records that three days ago the history was empty.
  const nothing = JSON.stringify([
    { at: new Date(Date.now() - 3 * 86_400_000), bytes: { events: 0, deliveries: 0, attempts: 0, bodies: 0 } },
  ]);
  await t.database.pool.query('UPDATE hookgraph.retention SET sizes = $1', [nothing]);
  const keys = Buffer.alloc(32, 7).toString('base64');
  const ill = await cli.run(['doctor'], {
    env: { ...env, HOOKGRAPH_ENCRYPTION_KEYS: keys, HOOKGRAPH_ALLOWED_NETWORKS: '0.0.0.0/0', HOOKGRAPH_DATABASE_DISK_GIGABYTES: '900' },
  });
  expect(ill.code).toBe(1);
  expect(outcomes(ill)).toEqual(
    expect.arrayContaining([
      'fail networks',
      'fail keys',
      'fail worker',
      'fail queue',
      'warn tenants',
      'warn history',
      'ok disk',
      'warn subscription',
    ]),
  );
  expect(ill.stdout).toContain('4 events have no tenant and were not matched with subscriptions: Scenario 1, Scenario 2, Scenario 3, …');
  expect(ill.stdout).toMatch(/the cleaning is paused\tResume it with `hookgraph retention --resume`/);
  expect(ill.stdout).toMatch(/\d+\.\d GB of the disk are free, and history grows by \d+\.\d MB a day: full in \d+ days/);
  expect(ill.stdout).toContain('Busy: It answered 410.\tCorrect the cause, then run `hookgraph webhooks enable');
  expect(ill.stdout).toMatch(
    /0 deliveries have been due for more than 30 s; \d+ events are queued, the oldest for 36\d\d s\tStart a worker with `hookgraph worker`/,
  );
  const away = await cli.run(['doctor', '--json'], {
    env: { ...env, DATABASE_URL: 'postgres://me@127.0.0.1:9/x', HOOKGRAPH_URL: 'http://127.0.0.1:9' },
  });
  expect(
    JSON.parse(away.stdout)
      .filter(({ outcome }: { outcome: string }) => outcome === 'FAIL')
      .map(({ check }: { check: string }) => check),
  ).toEqual(['database', 'API']);
});

it('audit accounts for all in the database and for the own subscriptions, and exits with 1 where a row contradicts', async () => {
  const env = { DATABASE_URL: t.database.url };
  // The change that the previous test wrote has waited for an hour.
  expect(await cli.run(['audit'], { env })).toMatchObject({ code: 1, stdout: expect.stringContaining('no worker has matched it') });
  const working = await t.app.webhooks.work();
  await until('no change waits', async () => (await t.database.pool.query('SELECT FROM hookgraph.captures LIMIT 1')).rowCount === 0);
  await working.stop();
  const all = await cli.run(['audit', '--until', '0s'], { env });
  expect([all.code, all.stdout]).toEqual([0, expect.stringContaining('No row contradicts the others.')]);
  const mine = await cli.run(['audit', '--mine', '--json']);
  expect([mine.code, mine.stderr]).toEqual([0, '']);
  expect(JSON.parse(mine.stdout)).toMatchObject({
    accounts: [{ code: 'SKIPPED', reason: 'DISABLED', count: 1 }],
    deliveries: 1,
    findings: [],
  });
  await t.database.pool.query('UPDATE hookgraph.deliveries SET attempt_count = 9');
  for (const args of [[], ['--mine']])
    expect(await cli.run(['audit', ...args], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNBALANCED: 1 row contradicts the others'),
      stdout: expect.stringMatching(/The state of a delivery contradicts its attempts, .*: event \d+, subscription .*, delivery \d+/),
    });
});

it('egress lists the columns that leave to each host, and schema --body the schema of a body', async () => {
  const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Environment { name } } }';
  const create = [
    'webhooks',
    'create',
    '--name',
    'Leaving',
    '--topic',
    'environment/created',
    '--url',
    'http://127.0.0.1:8080/',
    '--query',
    query,
  ];
  expect((await cli.run([...create, '--template', '{"name": "{{ data.node.name }}"}'])).code).toBe(0);
  const { stdout } = await cli.run(['egress']);
  expect(stdout).toContain('127.0.0.1:8080\tpublic.environments.name\tEnvironment.name\tQUERY\tLeaving');
  expect(await cli.json('egress')).toContainEqual(
    expect.objectContaining({
      destination: '127.0.0.1:8080',
      table: 'public.environments',
      column: 'name',
      webhook: expect.objectContaining({ name: 'Leaving' }),
    }),
  );
  const body = await cli.json('schema', 'Leaving', '--body');
  expect(body).toMatchObject({
    describes: 'BODY',
    note: expect.stringContaining('invented data'),
    schema: { title: 'LeavingBody', required: ['name'] },
  });
  expect((await cli.run(['schema', 'Leaving', '--body', '--format', 'typescript'])).stdout).toContain('name: string');
  expect(await cli.json('schema', 'Busy', '--body')).toMatchObject({ note: null, schema: { title: 'BusyBody', required: ['data'] } });
});
