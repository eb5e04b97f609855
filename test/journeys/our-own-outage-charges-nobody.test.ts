// Promise: while this installation's own network fails, no subscription is charged or disabled; it is logged once, and sending resumes.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { type DnsServer, startDnsServer } from '../support/dns-server.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { makeOrganization, names } from '../support/organization.js';
import { startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let world: EngineWorld;
let dns: DnsServer;
let logged: { level: number; msg: string; [field: string]: unknown }[];
beforeEach(async () => {
  logged = [];
  dns = await startDnsServer([['127.0.0.1']]);
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    for (const line of chunk.toString().trim().split('\n')) logged.push(JSON.parse(line));
    done();
  };
  world = await startEngineWorld({ log: pino({ level: 'info' }, new Writable({ write })), settings: { lookup: dns.lookup } });
});
afterEach(async () => {
  await world.close();
  dns.close();
});

/** Returns all warnings except those about loops, which occur on a busy machine. */
const warnings = () => logged.filter(({ level, msg }) => level >= 40 && !msg.startsWith('loops of the worker'));
const port = () => new URL(world.receiver.url).port;
const subscribeTo = (host: string) => world.subscribe({ callbackUrl: `http://${host}:${port()}/` });
const statuses = async () =>
  (await world.db.pool.query('SELECT DISTINCT status, disabled_reason FROM hookgraph.subscriptions')).rows.map(({ status }) => status);
const states = async (ids: string[]) => Promise.all(ids.map((id) => countStates(world.db.pool, id)));

describe('the resolver', () => {
  it.each(['silent', 'SERVFAIL'] as const)('is away (%s): 600 deliveries to four receivers wait, and then arrive', async (how) => {
    const ids = await Promise.all(['one.example', 'two.example', 'three.test', 'four.invalid.org'].map(subscribeTo));
    await world.work();
    dns.behave = () => how;
    await world.insertThings(...Array.from({ length: 150 }, (_, i) => `thing ${i}`));
    const warning = await until('the operator is warned', () => warnings()[0]);
    expect(warning).toMatchObject({ level: 40, cause: expect.stringContaining('DNS lookups'), deliveries: expect.any(Number) });
    expect(new Set(warning.subscriptionIds as string[]).size).toBeGreaterThan(0);
    expect((warning.deliveryIds as string[]).length).toBeLessThanOrEqual(10);
    await until('all four rest', async () =>
      (await deliveriesOf(world.db.pool, ids[3] as string)).some(({ dueInSeconds }) => dueInSeconds > 0),
    );
    expect(world.receiver.requests).toEqual([]);
    expect((await Promise.all(ids.map((id) => attemptsOf(world.db.pool, id)))).flat()).toEqual([]);

    dns.behave = () => 'answer';
    await until('all is delivered', async () => (await states(ids)).every(({ DELIVERED }) => DELIVERED === 150));
    expect(await statuses()).toEqual(['ENABLED']);
    const attempts = (await Promise.all(ids.map((id) => attemptsOf(world.db.pool, id)))).flat();
    expect(attempts.every(({ number, outcome }) => number === 1 && outcome === 'DELIVERED')).toBe(true);
    expect(warnings()).toEqual([warning]);
    const over = await until('its end is logged', () => logged.find(({ msg }) => msg.includes('is over')));
    expect(over).toMatchObject({ level: 30, cause: warning.cause, deliveries: expect.any(Number), lastedMs: expect.any(Number) });
  });

  it('works, and one subscriber names what does not exist or has dead name servers: that is charged', async () => {
    const good = await subscribeTo('good.example');
    const none = await subscribeTo('none.test');
    const lame = await subscribeTo('lame.org');
    dns.behave = (name) => (name === 'none.test' ? 'NXDOMAIN' : name === 'lame.org' ? 'SERVFAIL' : 'answer');
    await world.work();
    await world.insertThings('a');
    await until('the good one is told', async () => (await countStates(world.db.pool, good)).DELIVERED === 1);
    await until('the nonexistent one is charged', async () => (await attemptsOf(world.db.pool, none)).length === 1);
    // The first failure may have been put back while the worker verified the resolver with a name that had worked.
    await until(
      'the other one, too',
      async () => {
        await makeDue(world.db.pool, lame);
        return (await attemptsOf(world.db.pool, lame)).length >= 1;
      },
      { everyMs: 200 },
    );
    for (const id of [none, lame])
      expect((await attemptsOf(world.db.pool, id))[0]).toMatchObject({ outcome: 'FAILED', stage: 'ADDRESS', number: 1 });
  });
});

const hasPrlimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;

it.skipIf(!hasPrlimit)('file descriptors of the worker are used up: two organizations wait, and go on when there are some', async () => {
  const product = await runProduct({ worker: false });
  const receivers = await Promise.all([startReceiver(), startReceiver()]);
  try {
    const organizations = await Promise.all(receivers.map(() => makeOrganization(product.pool)));
    const subscriptions = await Promise.all(
      organizations.map(({ token }, i) =>
        product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receivers[i]?.url, template: '{}' }, token),
      ),
    );
    const ids = subscriptions.map(({ recordId }) => recordId);
    const worker = await product.start('worker');
    // Sends one delivery of each organization first, so that the worker opens its database connections.
    for (const { insertUsers } of organizations) await insertUsers(['first']);
    const counts = () => Promise.all(ids.map((id) => countStates(product.pool, id)));
    await until('the first are delivered', async () => (await counts()).every(({ DELIVERED }) => DELIVERED === 1));

    const { pid } = worker.child;
    const limit = (most: number | string) => execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${most}:`]);
    limit(readdirSync(`/proc/${pid}/fd`).length);
    for (const { insertUsers } of organizations) await insertUsers(names('late', 150));
    await until('the operator is warned', () => worker.output().includes("outage of this installation's network"));
    for (const id of ids) expect((await attemptsOf(product.pool, id)).filter(({ outcome }) => outcome !== 'DELIVERED')).toEqual([]);
    limit(4096);
    await until('all is delivered', async () => (await counts()).every(({ DELIVERED }) => DELIVERED === 151));
    for (const id of ids)
      expect((await attemptsOf(product.pool, id)).every(({ number, outcome }) => number === 1 && outcome === 'DELIVERED')).toBe(true);
    expect(worker.output().match(/outage of this installation's network: /g)).toHaveLength(1);
  } finally {
    await product.close();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  }
});

const hasNamespaces = process.platform === 'linux' && spawnSync('unshare', ['--net', 'true']).status === 0;

it.skipIf(!hasNamespaces)('the worker has no route out: nothing is charged, and another worker goes on', async () => {
  const product = await runProduct({ worker: false });
  const receiver = await startReceiver();
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-route-'));
  const address = new URL(product.db.url);
  // The worker reaches the database by a Unix socket, which works without a network.
  const relay = createServer((client) => {
    const server = connect(Number(address.port), address.hostname);
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server).pipe(client);
  });
  const socketPath = join(dir, `.s.PGSQL.${address.port}`);
  await new Promise<void>((resolve) => relay.listen(socketPath, resolve));
  address.searchParams.set('host', dir);
  try {
    const { token, insertUsers } = await makeOrganization(product.pool);
    const { recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, template: '{}' }, token);
    const worker = await product.start('worker', { DATABASE_URL: address.href }, ['unshare', '--net']);
    await insertUsers(names('cut off', 150));
    await until('the operator is warned', () => worker.output().includes('connections out of this machine fail: ENETUNREACH'));
    expect(await attemptsOf(product.pool, recordId)).toEqual([]);
    await worker.kill('SIGKILL');
    await product.start('worker');
    await until('all is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === 150);
    expect((await attemptsOf(product.pool, recordId)).every(({ number }) => number === 1)).toBe(true);
    expect(await unbalanced(product.pool)).toEqual([]);
  } finally {
    await product.close();
    await receiver.close();
    relay.close();
    await rm(dir, { recursive: true, force: true });
  }
});
