// Runs the commands that use the API in this process, over real HTTP, with a worker and a receiver.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Working } from '../../src/webhooks/index.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: ServedApp;
let working: Working;
let receiver: Receiver;
let cli: CommandLine;
beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  working = await t.app.webhooks.work();
  receiver = await startReceiver();
  cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN });
});
afterAll(async () => {
  await cli.close();
  await receiver.close();
  await working.stop();
  await t.close();
});

const QUERY = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Environment { name } } }';

async function makeEnvironment(name: string): Promise<string> {
  const { data } = await t.ask('mutation ($in: EnvironmentInput) { createEnvironment(environment: $in) { environment { id } } }', {
    in: { name },
  });
  return data.createEnvironment.environment.id;
}

it('login keeps a token that works, for its owner alone; logout forgets it, and then one is told what to do', async () => {
  const env = { HOOKGRAPH_URL: '', HOOKGRAPH_TOKEN: '', PORT: '1' };
  const without = await cli.run(['whoami'], { env });
  expect(without.code).toBe(4);
  expect(without.stderr).toContain('NOT_LOGGED_IN: You are not logged in, and this folder has no token of a local Hookgraph\nLog in with');
  const wrong = await cli.run(['login', '--url', t.api.url], { env, stdin: 'wrong\n' });
  expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('NOT_AUTHENTICATED')]);
  const login = await cli.run(['login', '--url', `${t.api.url}/api/v3/graphql/`], { env, stdin: `${ADMIN_TOKEN}\n` });
  expect(login.stdout).toContain(`Logged in at ${t.api.url} as Ada Lovelace of Acme Training.`);
  expect((await stat(join(cli.dir, 'hookgraph/login.json'))).mode & 0o777).toBe(0o600);
  expect((await cli.run(['whoami'], { env })).stdout).toBe(
    `user\tAda Lovelace\norganization\tAcme Training\nscope\tADMIN\nat\t${t.api.url}\ntoken from\tlogin\n`,
  );
  // The token belongs to the host of the login and is sent to no other host.
  const elsewhere = await cli.run(['whoami'], { env: { ...env, HOOKGRAPH_URL: 'http://127.0.0.1:9' } });
  expect([elsewhere.code, elsewhere.stderr]).toEqual([4, expect.stringContaining('You are not logged in at http://127.0.0.1:9')]);
  expect((await cli.run(['logout', '--json'], { env })).stdout.trim()).toMatch(/^\{\s*"wasLoggedIn": ?true\s*\}$/);
  expect((await cli.run(['whoami'], { env })).code).toBe(4);
  // In a folder where `npm start` ran, the token of its admin is used.
  await mkdir(join(cli.dir, 'data'));
  await writeFile(join(cli.dir, 'data/admin-token'), `${ADMIN_TOKEN}\n`);
  const local = { ...env, PORT: new URL(t.api.url).port };
  expect((await cli.run(['whoami'], { env: local })).stdout).toContain('token from\tthis machine');
});

it('topics are a table for people, tab-separated lines for pipes and JSON for programs', async () => {
  const piped = await cli.run(['topics', 'list', '--type', 'User']);
  expect(
    piped.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t').slice(0, 3)),
  ).toEqual(['user/created', 'user/deleted', 'user/updated'].map((key) => [key, '1.1', 'User']));
  const shown = await cli.run(['topics', 'list', '--type', 'User', '--limit', '1'], { tty: true });
  expect(shown.stdout).toContain('\x1b[1mtopic\x1b[22m');
  expect(shown.stderr).toContain('This list shows the first 1; use --limit or --all to see more.');
  expect((await cli.run(['topics', 'list', '--type', 'User'], { tty: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\x1b');
  expect((await cli.json('topics', 'list', '--all')).length).toBeGreaterThan(50);
});

it('a subscription is created from options and files, shown, changed, switched, tested and deleted, by its name', async () => {
  await writeFile(join(cli.dir, 'environment.graphql'), QUERY);
  const created = await cli.run(
    [
      ...['webhooks', 'create', '--name', 'All', '--topic', 'environment/created', '--url', `${receiver.url}/hook`],
      ...['--query', `@${join(cli.dir, 'environment.graphql')}`, '--template', '{"called": "{{ data.node.name }}"}'],
      ...'--secret env:HUSH --signature scope --signature servo --set retry.maxTries=3'.split(' '),
      ...['--header', 'x-api-key: env:HUSH'],
    ],
    { env: { HUSH: 'hush-hush' } },
  );
  expect([created.code, created.stderr]).toEqual([0, '']);
  const id = created.stdout.trim();
  expect(await cli.json('webhooks', 'show', 'All')).toMatchObject({
    id,
    name: 'All',
    query: QUERY,
    hasSharedSecret: true,
    signatures: ['SCOPE', 'SERVO'],
    headers: [{ name: 'x-api-key' }],
    retry: { maxTries: 3, maxTimeMs: null },
    topic: { key: 'environment/created' },
  });
  expect((await cli.run(['webhooks', 'list', '--topic', 'environment/created'])).stdout).toBe(
    `${id}\tAll\tenvironment/created\tENABLED\t${receiver.url}/hook\n`,
  );
  await makeEnvironment('One');
  const tested = await cli.run(['webhooks', 'test', 'All'], { tty: true, env: { NO_COLOR: '1' } });
  expect(tested.code).toBe(0);
  expect(tested.stdout).toMatch(
    /✓ query .*\n(.*\n)*✓ send .*\n(.*\n)*POST http:(.*\n)*\{"called": "One"\}\n(.*\n)*HTTP 200\n(.*\n)*DELIVERED/,
  );
  expect(tested.stdout).not.toContain('hush-hush');
  const piped = await cli.run(['webhooks', 'test', 'All']);
  const withoutTimes = (text: string) => text.replace(/date: .*|[\d.]+ ms|\d{15,}|\d{4}-\d\d-\d\dT\S+|[\w+/]{27}=/g, '…');
  expect(withoutTimes(piped.stdout)).toBe(withoutTimes(tested.stdout));
  expect(piped.stdout).toMatch(
    /^node {2}One, \w+=*\n✓ query .*\n {4}input\n {6}\{\n(.*\n)*? {4}output {2}\{"data":\{"node":\{"name":"One"\}\}\}\n/,
  );
  expect(piped.stdout).toMatch(/\n✓ template .*\n {4}input\n(.*\n)*? {4}output {2}\{"called": "One"\}\n/);
  const typo = await cli.run(['webhooks', 'preview', 'All', '--template', '{"called": "{{ data.node.nmae }}"}']);
  expect([typo.code, typo.stderr]).toEqual([
    0,
    expect.stringMatching(/^Warning: Template: reads data\.node\.nmae, .* Did you mean "name"\? \(line 1, column 16\)\n1 \| .*\n +\^\n$/),
  ]);
  const preview = await cli.json('webhooks', 'preview', 'All', '--template', '{"other": 1}', '--node', await makeEnvironment('Two'));
  expect(preview.report).toMatchObject({ outcome: 'READY', request: { body: '{"other": 1}' } });
  const rotated = await cli.run(['webhooks', 'rotate-secret', 'All', '--secret', '@-', '--overlap', '2h'], { stdin: 'another one\n' });
  expect([rotated.code, rotated.stdout]).toEqual([
    0,
    expect.stringMatching(/“All” has a new secret; until the overlap ends at \d{4}-\d\d-\d\dT/),
  ]);
  expect((await cli.json('webhooks', 'show', 'All')).secretRotation).not.toBeNull();
  expect((await cli.run(['webhooks', 'update', 'All', '--set', 'template=null', '--name', 'All of them'])).code).toBe(0);
  expect(await cli.json('webhooks', 'show', id)).toMatchObject({ template: null, query: QUERY, name: 'All of them' });
  const late = await cli.run(['webhooks', 'update', 'All of them', '--template', '1', '--expected-version', '1']);
  expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('nothing was saved')]);
  const versions = await cli.json('webhooks', 'versions', 'All of them');
  expect(versions.at(-1)).toMatchObject({ number: 1, definition: { query: QUERY } });
  expect(versions.map(({ number }: { number: number }) => number)).toEqual(versions.map((_: unknown, i: number) => versions.length - i));
  const judging = ['webhooks', 'preview', 'All of them', '--error-template', '{{ body.why }}', '--response', '{"why": "full"}'];
  expect((await cli.run(judging)).stderr).toContain('TEST_FAILED: The test failed at the stage ERROR_TEMPLATE\nfull');
  expect((await cli.run(['webhooks', 'disable', 'All of them'])).stdout).toBe('“All of them” is disabled.\n');
  expect(await cli.json('webhooks', 'list', '--disabled')).toMatchObject([{ id, status: 'DISABLED' }]);
  await makeEnvironment('Missed');
  await until('the event is skipped', async () => (await cli.json('deliveries', 'list', '--state', 'SKIPPED')).length === 1);
  const enabled = await cli.run(['webhooks', 'enable', 'All of them']);
  const replay = /^1 event was missed since \S+\. Send it with: hookgraph (replay [\w-]{36} --from \S+)\n$/.exec(enabled.stderr)?.[1] ?? '';
  expect([enabled.code, enabled.stdout]).toEqual([0, '“All of them” is enabled.\n']);
  expect((await cli.run([...replay.split(' '), '--follow'])).stdout).toMatch(/ is DONE: 1 delivery\.\n$/);
  expect((await cli.run(['webhooks', 'enable', 'All of them'])).stderr).toBe('');
  const unasked = await cli.run(['webhooks', 'delete', 'All of them']);
  expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('Pass --yes to confirm.')]);
  expect((await cli.run(['webhooks', 'delete', 'All of them', '--yes'])).code).toBe(0);
  expect((await cli.run(['webhooks', 'show', 'All of them'])).code).toBe(3);
});

it('several topics are one subscription each, and a name that two have is told with their ids', async () => {
  const both = await cli.json(
    'webhooks',
    'create',
    '--name',
    'X',
    '--topic',
    'user/created',
    '--topic',
    'user/deleted',
    '--url',
    receiver.url,
  );
  expect(both.map((one: { name: string }) => one.name)).toEqual(['X: user/created', 'X: user/deleted']);
  const unsigned = await cli.run(['webhooks', 'create', '--name', 'Y', '--topic', 'user/created', '--url', receiver.url]);
  const note =
    /^“Y” has no shared secret, so its notifications are not signed\. To sign them: hookgraph (webhooks update [\w-]{36}) --secret env:NAME\n$/;
  expect([unsigned.code, unsigned.stderr]).toEqual([0, expect.stringMatching(note)]);
  const signed = await cli.run([...(note.exec(unsigned.stderr)?.[1] ?? '').split(' '), '--secret', 'hush']);
  expect([signed.code, signed.stderr]).toEqual([0, '']);
  await cli.json('webhooks', 'delete', 'Y', '--yes');
  for (const { id } of both) await cli.json('webhooks', 'update', id, '--name', 'Same');
  const ambiguous = await cli.run(['webhooks', 'show', 'Same']);
  expect([ambiguous.code, ambiguous.stderr]).toEqual([
    1,
    expect.stringMatching(/AMBIGUOUS: 2 subscriptions have the name "Same": .*user\/deleted/),
  ]);
  await cli.json('webhooks', 'delete', '--yes', ...both.map((one: { databaseId: string }) => one.databaseId));
});

it('mistakes are told with their field, their place and a caret, and change nothing', async () => {
  const query = 'query ($nodeId: ID!) {\n  node(id: $nodeId) { ... on User { nmae } }\n}';
  const refused = await cli.run(['webhooks', 'create', '--topic', 'user/created', '--url', receiver.url, '--query', query]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^REFUSED: Query: Cannot query field "nmae" on type "User".*\(line 2, column 37\)\n2 \| .*\n +\^\n$/s);
  const unknown = await cli.run(['webhooks', 'create', '--topic', 'user/created', '--url', receiver.url, '--set', 'retry.maxTrys=3']);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('Did you mean "maxTries"')]);
  expect((await cli.run(['webhooks', 'create', '--url', receiver.url])).stderr).toContain('No topic was given');
  expect((await cli.run(['webhooks', 'create', '--query', '@nowhere.graphql'])).stderr).toMatch(
    /FILE_UNREADABLE: Reading .*nowhere\.graphql failed: the file does not exist/,
  );
  expect(await cli.json('webhooks', 'list')).toEqual([]);
});

it('what went wrong is listed, opened with each request and answer, resent and dismissed; and the past is sent again', async () => {
  receiver.answer = (response) => void response.writeHead(503).end('{"busy":\u001b[31m true}');
  const options = ['--name', 'Busy', '--topic', 'environment/created', '--url', `${receiver.url}/busy`, '--query', QUERY];
  await cli.json('webhooks', 'create', ...options);
  const before = new Date().toISOString();
  await makeEnvironment('Three');
  const [error] = await until('it is an error', async () => {
    const errors = await cli.json('errors', 'list', '--webhook', 'Busy', '--stage', 'status');
    return errors.length > 0 ? errors : null;
  });
  const deliveryId = error.webhookDelivery.databaseId;
  expect((await cli.run(['errors', 'list'])).stdout.split('\t')).toContain('STATUS');
  expect((await cli.run(['deliveries', 'list', '--webhook', 'Busy', '--state', 'retrying'])).stdout).toContain(`${deliveryId}\t`);
  const found = async (...options: string[]) =>
    (await cli.json('deliveries', 'list', ...options)).map(({ databaseId }: { databaseId: string }) => databaseId);
  expect(await found('--status', '5xx', '--stage', 'status')).toContain(deliveryId);
  expect(await found('--search', deliveryId)).toEqual([deliveryId]);
  expect(await found('--status', '404')).toEqual([]);
  expect((await cli.run(['deliveries', 'list', '--status', '50'])).stderr).toContain('Write an HTTP status like 503');
  expect((await cli.json('webhooks', 'list', '--search', 'busy', '--status', 'enabled', '--order', 'name_desc'))[0]).toMatchObject({
    name: 'Busy',
    lastDelivery: { databaseId: deliveryId },
  });
  expect(await cli.json('webhooks', 'stats', 'Busy', '--since', '2h', '--intervals', '2')).toMatchObject({ failed: 0, buckets: [{}, {}] });
  expect((await cli.run(['webhooks', 'stats', 'Busy'])).stdout).toMatch(/\nall\t0\t/);
  const [event] = await cli.json('events', 'list', '--type', 'Environment', '--since', before);
  expect(event).toMatchObject({ operation: 'CREATED', nodeType: 'Environment' });
  const shown = await cli.run(['events', 'show', event.databaseId]);
  expect(shown.stdout).toMatch(/after\t\{.*"name":"Three".*\}\n/);
  expect(shown.stdout).toMatch(/“Busy”\tRETRYING\tAttempt 1 failed/);
  const opened = await cli.run(['deliveries', 'show', deliveryId]);
  expect(opened.stdout).toMatch(/state\tRETRYING\n/);
  expect(opened.stdout).toMatch(
    /POST http.*\/busy\n(.*\n)*\{"data":\{"node":\{"name":"Three"\}\}\}\n(.*\n)*HTTP 503\n(.*\n)*\{"busy":\ufffd\[31m true\}/,
  );
  receiver.answer = (response) => void response.end();
  expect((await cli.run(['resend', deliveryId])).stdout).toBe(`Delivery ${deliveryId} is due now.\n`);
  await until('it is delivered', async () => (await cli.json('deliveries', 'show', deliveryId)).state === 'DELIVERED');
  expect((await cli.run(['webhooks', 'update', 'Busy', '--numbered'])).code).toBe(0);
  expect((await cli.run(['deliveries', 'after', 'Busy', '0'])).stdout).toBe('No notification has a number above 0; the last one is 0.\n');
  const resend = ['deliveries', 'resend', '--webhook', 'Busy', '--status', '2xx', '--as-new'];
  expect(await cli.json(...resend, '--follow')).toMatchObject({ kind: 'RESEND_AS_NEW', state: 'DONE', matchedCount: 1, doneCount: 1 });
  await until('it has a number', async () =>
    /^1 {2}DELIVERED {2}\{"data"/.test((await cli.run(['deliveries', 'after', 'Busy', '0'])).stdout),
  );
  expect(await cli.json('deliveries', 'after', 'Busy', '0')).toMatchObject({ sequence: '1', bodyState: 'EXACT' });
  const [action] = await cli.json('actions', 'list');
  expect((await cli.run(['actions', 'cancel', action.databaseId])).stderr).toContain('The action has already ended');
  expect((await cli.run(['deliveries', 'resend'])).code).toBe(2);
  expect((await cli.run(['errors', 'dismiss', '--webhook', 'Busy', '--all'])).stdout).toBe('1 error was dismissed.\n');
  expect((await cli.run(['errors', 'dismiss'])).code).toBe(2);
  expect((await cli.run(['errors', 'list', '--webhook', 'Busy'])).stderr).toContain('No errors match.');
  expect(await cli.json('replay', 'Busy', '--from', before, '--follow')).toMatchObject({ state: 'DONE', deliveryCount: 0 });
  expect((await cli.run(['replay', 'Busy', '--from', before, '--all', '--dry-run'])).stdout).toContain(
    'would send\t1\ndelivered already\t1\n',
  );
  expect(await cli.json('snapshot', 'Busy', '--follow')).toMatchObject({ state: 'DONE', isSnapshot: true, progress: 1 });
  const replay = await cli.json('replay', 'Busy', '--from', before, '--all', '--follow');
  expect(replay).toMatchObject({ state: 'DONE', mode: 'NEW_PAYLOAD', deliveryCount: 1 });
  const again = ['replay', 'Busy', '--mode', 'sent-bytes', '--status', '2xx'];
  const rehearsed = await cli.json(...again, '--dry-run');
  expect(rehearsed).toMatchObject({
    sendCount: 1,
    leftOutCount: 0,
    rehearsal: { isWhole: true, sentCount: 1, unchangedCount: 1, changedCount: 0 },
  });
  expect((await cli.run([...again, '--dry-run'])).stdout).toMatch(/\nOf the only event:\nwould be sent\t1\n(.*\n)*not possible\t0\n/);
  expect(await cli.json(...again, '--follow')).toMatchObject({ state: 'DONE', mode: 'SENT_BYTES', deliveryCount: 1 });
  expect((await cli.run(['replay', 'Busy', '--delivery', '7'])).stderr).toContain('no delivery of the subscription matches');
  const draft = ['webhooks', 'rehearse', 'Busy', '--template', '{"called": "{{ data.node.name }}"}', '--events', '1'];
  expect((await cli.run(draft)).stdout).toMatch(/\n {2}\$\.called\n {4}\+ "Three"\n/);
  const judge = ['webhooks', 'judge', 'Busy', '--error-template', '{% if status == 200 %}No body{% endif %}', '--from', before];
  expect(await cli.json(...judge, '--replay')).toMatchObject({ deliveredCount: 0, isWhole: true, webhookReplay: { state: 'RUNNING' } });
  expect((await cli.run(judge)).stdout).toMatch(/^Of \d+ successes of “Busy”, \d+ were failures\.\n(.*\n)*.*\tNo body\n/);
  expect((await cli.run(['release', 'Busy'])).stdout).toContain('0 deliveries of “Busy” will be tried again.');
  const why = await cli.run(['why-not', 'Busy', '--since', '1h']);
  expect(why.stdout).toMatch(/delivered/i);
  expect((await cli.run(['why-not', 'Busy', '--since', 'yesterday'])).code).toBe(2);
});

it('wrong usage is told with what was meant, a missing API with what to do', async () => {
  expect(await cli.run(['webhook', 'list'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean webhooks?') });
  const help = await cli.run(['webhooks', 'create', '--help']);
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('$ hookgraph webhooks create --name')]);
  const away = await cli.run(['topics', 'list'], { env: { HOOKGRAPH_URL: 'http://127.0.0.1:9' } });
  expect([away.code, away.stderr]).toEqual([1, expect.stringMatching(/^API_UNREACHABLE: No server answers at .*\nStart Hookgraph with/)]);
});

it('changes prints the cursor of this moment, then what was committed since, and follows until it is interrupted', async () => {
  const { cursor, changes } = await cli.json('changes');
  expect(changes).toEqual([]);
  const nodeId = await makeEnvironment('changed');
  const args = ['changes', '--after', cursor, '--types', 'Environment'];
  const found = await until('the change is relayed', async () => (await cli.json(...args)).changes[0]);
  expect(found).toMatchObject({ operation: 'CREATED', nodeId, after: { name: 'changed' }, cursor: expect.any(String) });
  const { stdout, stderr } = await cli.run([...args, '--follow', '--json'], { signal: AbortSignal.abort() });
  expect(JSON.parse(stdout)).toEqual(found);
  expect(stderr).toMatch(/^Continue with --after \S+$/m);
  expect((await cli.run(args)).stdout).toContain(`CREATED\tEnvironment\t${nodeId}`);
});
