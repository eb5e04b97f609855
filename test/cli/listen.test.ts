// Tests the commands for developing receivers: `listen`, `trigger` and `schema`.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { announceLocalApi } from '../../src/cli/local-api.js';
import type { Clock } from '../../src/cli/sleep-watch.js';
import type { Working } from '../../src/webhooks/index.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { freePort, runCli } from '../support/cli.js';
import { type CommandLine, commandLine, type Ran } from '../support/command-line.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { signedRequest } from '../support/signed-request.js';
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

/** Signs a body and sets the headers as the engine does. */
function signed(body: string): Record<string, string> {
  const { headers } = signedRequest(['SCOPE'], { secret: 'hush', body });
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-scope-')));
}

/** Runs `listen` until `use` has finished. */
async function listening(
  args: string[],
  use: (url: string) => Promise<void>,
  { port, ...options }: { port?: number; clock?: Clock; env?: Record<string, string>; tty?: boolean } = {},
): Promise<Ran> {
  port ??= await freePort();
  const stop = new AbortController();
  const ran = cli.run(['listen', '--port', String(port), ...args], { signal: stop.signal, ...options });
  const url = `http://127.0.0.1:${port}`;
  try {
    await until('it listens', () =>
      Promise.race([
        ran.then((ended) => Promise.reject(new Error(ended.stderr))),
        fetch(`${url}/ping`).then(
          () => true,
          () => false,
        ),
      ]),
    );
    await use(url);
  } finally {
    stop.abort();
  }
  return ran;
}

const post = (url: string, body: string, headers = {}) => fetch(`${url}/receive-webhooks`, { method: 'POST', body, headers });

it('listen shows what a sender wrote without obeying it', async () => {
  const said = await listening(
    [],
    async (url) => void (await post(url, 'a\x1b[2J\u202eb', { 'x-scope-topic': 'user/\x9b31m', 'content-type': 'text/\x85' })),
    { tty: true, env: { NO_COLOR: '1' } },
  );
  expect(said.stdout).toMatch(/key 1, text\/\ufffd, user\/\ufffd31m, \d+ bytes\na\ufffd\[2J\ufffdb\n$/);
});

it('listen answers to ping, stores what is posted, and dumps it one document after another', async () => {
  const ran = await listening([], async (url) => {
    for (const path of ['/ping', '/PING']) {
      const pong = await fetch(`${url}${path}`);
      expect([pong.headers.get('content-type'), await pong.text()]).toEqual(['text/plain', 'PONG']);
    }
    expect(await (await post(url, '{"liveMode": false, "n": "}"}')).json()).toEqual({ msg: 'value with key 1 stored' });
    expect(await (await post(url, '<data/>', { 'content-type': 'application/xml' })).text()).toBe('{"msg":"value with key 2 stored"}');
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const refused = await fetch(`${url}/receive-webhooks`, { method });
      expect([refused.status, await refused.json()]).toEqual([405, { code: 405, msg: 'method not allowed' }]);
    }
    const dump = await (await fetch(`${url}/dump-webhooks`)).text();
    expect(dump).toBe('{\n  "liveMode": false,\n  "n": "}"\n}\n"<data/>"\n{"number_webhooks_received":2}\n');
    await writeFile(join(cli.dir, 'dump.json'), dump);
  });
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([
    0,
    expect.stringContaining('key 1'),
    expect.stringContaining('Received 2 notifications.'),
  ]);
});

it('listen tells whether a signature is right, refuses others, and sends on what came, also out of a dump', async () => {
  const unusable = await cli.run(['listen', '--secret', 'hush', '--scheme', 'rot13']);
  expect([unusable.code, unusable.stderr]).toEqual([2, expect.stringContaining('The choices are SCOPE, STANDARD_WEBHOOKS')]);
  const away = await cli.run(['listen', '--forward', 'http://127.0.0.1:9/hooks']);
  expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('FORWARD_UNREACHABLE')]);
  receiver.answer = (response, { path }) => void (path === '/ping' ? response.end('PONG') : response.writeHead(202).end('taken'));
  const replayed = ['--replay', join(cli.dir, 'dump.json'), '--forward', `${receiver.url}/hooks`];
  const ran = await listening(['--secret', 'hush', ...replayed], async (url) => {
    const body = '{"data":{}}';
    const right = await post(url, body, signed(body));
    expect([right.status, await right.text()]).toEqual([202, 'taken']);
    const wrong = await post(url, '{"data":{"more":1}}', signed(body));
    expect([wrong.status, await wrong.json()]).toEqual([401, { code: 401, msg: expect.stringContaining('does not match this body') }]);
  });
  const hooks = receiver.requests.filter(({ path }) => path === '/hooks');
  expect(hooks.map(({ body }) => JSON.parse(body))).toEqual([{ liveMode: false, n: '}' }, '<data/>', { data: {} }]);
  expect(hooks[2]?.headers['x-scope-hmac-sha256']).toBeDefined();
  expect(ran.stdout).toMatch(/✓ SCOPE: the signature is valid\n.*→ 202(.*\n)*.*✗ SIGNATURE_WRONG/s);
});

it('listen subscribes for the time being, with a query, and its payloads are what the schema of the subscription says', async () => {
  const query = `query ($nodeId: ID!) { node(id: $nodeId) { __typename ... on User { name email admin createdAt
    organization { name environments(first: 2) { totalCount nodes { id name } } } } } }`;
  let described: { schema: object; contentType: string } | undefined;
  let typescript: Ran | undefined;
  const ran = await listening(['--json', '--subscribe', 'user/created', '--query', query], async (url) => {
    await until('it has subscribed', async () => (await cli.json('webhooks', 'list', '--topic', 'user/created')).length === 1);
    described = await cli.json('schema', 'listen (user/created)');
    typescript = await cli.run(['schema', 'listen (user/created)', '--format', 'typescript']);
    const made = await t.ask('mutation { createUser(user: { firstName: "Zoë", lastName: "Müller" }) { errors { message } } }');
    expect(made.data.createUser.errors).toEqual([]);
    await until('it comes', async () => (await (await fetch(`${url}/dump-webhooks`)).text()).includes('Zoë'));
  });
  expect(await cli.json('webhooks', 'list')).toEqual([]);
  const received = JSON.parse(ran.stdout);
  expect(received.verdicts).toMatchObject([{ ok: true, scheme: 'SCOPE', topic: 'user/created' }]);
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  addFormats.default(ajv);
  const validate = ajv.compile(described?.schema as object);
  const payload = JSON.parse(received.body);
  expect([validate(payload), validate.errors]).toEqual([true, null]);
  expect(validate({ data: { node: { ...payload.data.node, more: 1 } } })).toBe(false);
  expect(described?.contentType).toBe('application/json');
  expect(typescript?.stdout).toContain('export interface ListenUserCreatedPayload');
  expect(typescript?.stdout).toMatch(/email: \(?string \| null\)?/);
});

it('listen takes what `trigger` sends unsigned to its URL, says so, and refuses a wrong signature', async () => {
  const ran = await listening(['--subscribe', 'user/created'], async (url) => {
    await until('it has subscribed', async () => (await cli.json('webhooks', 'list', '--topic', 'user/created')).length === 1);
    expect((await cli.run(['trigger', 'user/created', `${url}/receive-webhooks`])).code).toBe(0);
    expect((await cli.run(['trigger', 'user/created', 'listen (user/created)'])).code).toBe(0);
    const body = '{"data":{}}';
    expect((await post(url, body, signed(body))).status).toBe(401);
  });
  expect(ran.stdout).toMatch(
    /key 1, (.*\n)*.*– not signed: it comes from (.*\n)*.*key 2, (.*\n)*.*✓ SCOPE: (.*\n)*.*refused(.*\n)*.*✗ SIGNATURE_WRONG/,
  );
  const strict = await listening(['--subscribe', 'user/created', '--secret', 'hush'], async (url) => {
    expect((await post(url, '{}')).status).toBe(401);
  });
  expect(strict.stdout).toContain('✗ SIGNATURE_MISSING');
});

it('a real process listens until Ctrl-C, takes its subscription back, and takes over what a killed one left', async () => {
  const env = { HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN };
  const port = String(await freePort());
  const killed = runCli(['listen', '--port', port, '--subscribe', 'user/created', '--subscribe', 'user/deleted'], env);
  await killed.says('Subscribed to user/created, user/deleted');
  killed.child.kill('SIGKILL');
  await killed.ended();
  const left = await cli.json('webhooks', 'list', '--topic', 'user/created');
  expect(left).toMatchObject([{ name: 'listen (user/created)', status: 'ENABLED' }]);
  await cli.run(['webhooks', 'disable', 'listen (user/created)']);
  const made = await t.ask('mutation { createUser(user: { firstName: "Mia", lastName: "Missed" }) { errors { message } } }');
  expect(made.data.createUser.errors).toEqual([]);
  const skipped = ['deliveries', 'list', '--webhook', 'listen (user/created)', '--state', 'SKIPPED'];
  await until('the event is skipped', async () => (await cli.json(...skipped)).length === 1);

  const listener = runCli(['listen', '--port', port, '--subscribe', 'user/created'], env);
  await listener.says('Subscribed to user/created');
  expect(listener.output()).toContain('Took over the subscription to user/created of a `listen` that was killed.');
  expect(listener.output()).toContain('Missed: 1 notification of user/created was not delivered');
  expect(listener.output()).toContain('Deleted the subscription to user/deleted');
  expect(await cli.json('webhooks', 'list')).toMatchObject([{ id: left[0].id, status: 'ENABLED' }]);
  await t.ask('mutation { createUser(user: { firstName: "Zoë", lastName: "Here" }) { errors { message } } }');
  await listener.says('✓ SCOPE: the signature is valid');
  listener.child.kill('SIGINT');
  expect([await listener.ended(), listener.output()]).toEqual([0, expect.stringMatching(/Received 1 notification\.\n$/)]);
  expect(await cli.json('webhooks', 'list')).toEqual([]);
});

it('listen deletes what killed ones left at other ports of this machine, and nothing else', async () => {
  const names = { dead: `http://127.0.0.1:${await freePort()}`, alive: receiver.url, elsewhere: 'https://127.0.0.1.example' };
  for (const [name, url] of Object.entries(names))
    await cli.json('webhooks', 'create', '--name', `listen (${name})`, '--topic', 'user/updated', '--url', `${url}/receive-webhooks`);
  await listening(['--subscribe', 'user/created'], async () => {
    await until('it has subscribed', async () => (await cli.json('webhooks', 'list', '--topic', 'user/created')).length === 1);
  });
  const left = (await cli.json('webhooks', 'list')).map(({ name }: { name: string }) => name);
  expect(left.sort()).toEqual(['listen (alive)', 'listen (elsewhere)']);
  await cli.run(['webhooks', 'delete', ...left, '--yes']);
});

it('listens that run at once leave each other alone, clean up what dead ones left, and end though one subscription is gone', async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  const of = (some: number[]) => some.map((port) => `http://127.0.0.1:${port}/receive-webhooks`).sort();
  for (const url of of([await freePort(), await freePort()]))
    await cli.json('webhooks', 'create', '--name', 'listen (user/updated)', '--topic', 'user/updated', '--url', url);
  const urls = async () => (await cli.json('webhooks', 'list')).map(({ callbackUrl }: { callbackUrl: string }) => callbackUrl).sort();
  const stops = ports.map(() => new AbortController());
  const runs = ports.map((port, at) =>
    cli.run(['listen', '--port', String(port), '--subscribe', 'user/created'], { signal: (stops[at] as AbortController).signal }),
  );
  try {
    await until('each is subscribed, and nothing else is left', async () => `${await urls()}` === `${of(ports)}`);
    stops[1]?.abort();
    expect([(await runs[1])?.code, await urls()]).toEqual([0, of([ports[0], ports[2]] as number[])]);
    const { id } = (await cli.json('webhooks', 'list')).find((one: { callbackUrl: string }) =>
      of(ports.slice(0, 1)).includes(one.callbackUrl),
    );
    await cli.run(['webhooks', 'delete', id, '--yes']);
    stops[0]?.abort();
    expect([(await runs[0])?.code, await urls()]).toEqual([0, of([ports[2] as number])]);
  } finally {
    for (const stop of stops) stop.abort();
    await Promise.all(runs);
  }
});

it('listen looks after a sleep, enables its subscription, and says what was missed', async () => {
  let now = Date.now();
  const statusOf = async () => (await cli.json('webhooks', 'list'))[0]?.status;
  const ran = await listening(
    ['--subscribe', 'user/created'],
    async () => {
      await until('it has subscribed', async () => (await statusOf()) === 'ENABLED');
      await cli.run(['webhooks', 'disable', 'listen (user/created)']);
      now += 10 * 60_000;
      await until('it is enabled again', async () => (await statusOf()) === 'ENABLED');
      await cli.run(['webhooks', 'delete', 'listen (user/created)', '--yes']);
      now += 60_000;
      await until('it is created again', async () => (await statusOf()) === 'ENABLED');
    },
    { clock: { now: () => now, everyMs: 20 } },
  );
  expect(ran.stderr).toMatch(
    /This machine slept for 10 min\.\nThe subscription to user\/created was disabled meanwhile \(OWNER\), and is enabled again\.\nNo notification of user\/created was missed\.\nThis machine slept for 1 min\.\nThe subscription to user\/created was deleted meanwhile/,
  );
  expect(await cli.json('webhooks', 'list')).toEqual([]);
});

it('commands find the local product at whatever port it runs', async () => {
  const config = { dataDir: join(cli.dir, 'data') };
  const withdraw = await announceLocalApi(config, t.api.url);
  await writeFile(join(config.dataDir, 'admin-token'), `${ADMIN_TOKEN}\n`);
  const env = { HOOKGRAPH_URL: '', HOOKGRAPH_TOKEN: '', PORT: '1' };
  expect(JSON.parse((await cli.run(['whoami', '--json'], { env })).stdout)).toMatchObject({ url: t.api.url, source: 'this machine' });
  await withdraw();
  expect((await cli.run(['whoami'], { env })).stderr).toContain('No server answers at http://127.0.0.1:1');
});

it('schema tells of a topic the default payload, of a template that it is what the template is given, and of strangers nothing', async () => {
  const schema = JSON.parse((await cli.run(['schema', 'user/created'])).stdout);
  expect(Object.keys(schema.properties.data.properties)).toEqual(['id', 'url']);
  await cli.json('webhooks', 'create', '--name', 'T', '--topic', 'user/created', '--url', receiver.url, '--template', '{}');
  expect(await cli.json('schema', 'T')).toMatchObject({
    describes: 'TEMPLATE_INPUT',
    note: expect.stringContaining('A template renders the body'),
  });
  await cli.json('webhooks', 'delete', 'T', '--yes');
  expect((await cli.run(['schema', 'nothing/ever'])).code).toBe(3);
});

it('trigger sends a test to an address and leaves nothing behind, also when it fails or is stopped', async () => {
  receiver.answer = (response) => void response.end();
  const before = receiver.requests.length;
  const url = `${receiver.url}/once`;
  expect((await cli.run(['trigger', 'user/created', url])).stdout).toMatch(/^node {2}.+\n(.*\n)*✓ send(.*\n)*DELIVERED$/m);
  expect(receiver.requests.slice(before).map(({ path }) => path)).toEqual(['/once']);
  receiver.answer = (response) => void response.writeHead(500).end();
  expect((await cli.run(['trigger', 'user/created', url])).code).toBe(1);
  receiver.answer = () => {};
  const stop = new AbortController();
  const stopped = cli.run(['trigger', 'user/created', url], { signal: stop.signal });
  await receiver.waitFor(before + 3);
  stop.abort();
  expect(await stopped).toMatchObject({ code: 1, stderr: expect.stringContaining('INTERRUPTED') });
  expect(await cli.json('webhooks', 'list')).toEqual([]);

  receiver.answer = (response) => void response.end();
  expect((await cli.run(['trigger', 'user/created'])).code).toBe(3);
  for (const name of ['One', 'Two']) await cli.json('webhooks', 'create', '--name', name, '--topic', 'user/created', '--url', url);
  expect((await cli.json('trigger', 'user/created')).map(({ report }: { report: { outcome: string } }) => report.outcome)).toEqual([
    'DELIVERED',
    'DELIVERED',
  ]);
  expect(await cli.json('trigger', 'user/created', 'Two')).toHaveLength(1);
  expect((await cli.run(['trigger', 'user/updated', 'Two'])).stderr).toContain('TOPIC_WRONG');
});
