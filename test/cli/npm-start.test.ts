// Promise: `npm start` on a checkout prints every address, works at once, stops completely, and starts again after any process is killed.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Checkout, makeCheckout, type Started } from '../support/checkout.js';
import { freePort } from '../support/cli.js';
import { until } from '../support/until.js';

const execute = promisify(execFile);
/** Steps that only the first start performs. */
const DONE_ONCE = /Installing|Generating|Building|Creating|Migrated/;

let checkout: Checkout;
/** The token that the first start prints. */
let token: string;
/** The number of users when the first start has ended. */
let users: number;
beforeAll(async () => {
  checkout = await makeCheckout();
});
afterAll(() => checkout.remove());

async function ask(query: string) {
  const response = await fetch(`${checkout.url}/api/v3/graphql`, {
    method: 'POST',
    headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  return ((await response.json()) as any).data;
}

const tokenIn = (output: string) => /Token +(\S+)/.exec(output)?.[1] ?? '';

/** Waits until npm, node, Postgres and the shell that watches it are gone. */
async function leavesNothing(started: Started): Promise<void> {
  const left = async () => [...(await started.survivors()), ...(await checkout.postgresProcesses())];
  await until('nothing is left', async () => (await left()).length === 0, { everyMs: 100 }).catch(async () => {
    throw new Error(`There still is:\n${(await left()).join('\n')}\n${started.output()}`);
  });
  expect(await checkout.postmaster()).toBeNull();
}

/** Checks that the next start succeeds, repeats no set-up step and keeps the data. */
async function startsAgain(): Promise<Started> {
  const started = checkout.start();
  const readyMs = await started.ready();
  console.log(`npm start, not for the first time: ready after ${readyMs} ms`);
  expect(started.output()).not.toMatch(DONE_ONCE);
  expect(tokenIn(started.output())).toBe(token);
  expect((await ask('{ users { totalCount } }')).users.totalCount).toBe(users);
  expect((await fetch(`${checkout.url}/readyz`)).status).toBe(200);
  return started;
}

test('the first start prints API, explorer, token and two commands that work; Ctrl-C stops all of it', async () => {
  const first = checkout.start();
  console.log(`npm start, for the first time: ready after ${await first.ready()} ms`);
  const output = first.output();
  expect(output).toContain(`Console   ${checkout.url}/console\n`);
  expect(output).toContain(`API       ${checkout.url}/api/v3/graphql\n`);
  expect(output).toContain(`Explorer  ${checkout.url}/api/v3/graphql/explorer\n`);
  token = tokenIn(output);
  expect(token.length).toBeGreaterThan(20);
  const explorer = await fetch(`${checkout.url}/api/v3/graphql/explorer`);
  expect([explorer.status, explorer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
  expect(await (await fetch(`${checkout.url}/console`)).text()).toContain('id="root"');
  expect(await (await fetch(`${checkout.url}/console/session`)).json()).toMatchObject({ canSignInLocally: true });
  expect(await ask('{ viewer { admin organization { name } } }')).toMatchObject({ viewer: { admin: true } });

  const listen = /^ +(HOOKGRAPH_DATA_DIR=.*npx hookgraph listen .*)$/m.exec(output)?.[1] ?? '';
  const listener = spawn('sh', ['-c', `${listen} --port ${await freePort()}`], {
    cwd: checkout.dir,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let heard = '';
  for (const stream of [listener.stdout, listener.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
  onTestFinished(() => {
    if (listener.exitCode === null && listener.signalCode === null) process.kill(-(listener.pid as number), 'SIGKILL');
  });
  const hears = (text: string) =>
    until(`the listener says ${text}`, () => {
      if (listener.exitCode !== null) throw new Error(heard);
      return heard.includes(text);
    });
  await hears('Subscribed to user/created');

  const command = /curl -s[\s\S]+?'\n(?=\s*$|\n)/.exec(output)?.[0] ?? '';
  expect(command).toContain(token);
  const answer = await execute('sh', ['-c', command]).catch((error) => {
    // Without curl on this machine, the test sends the same request itself.
    if (error.code !== 127) throw error;
    return { stdout: '' };
  });
  if (answer.stdout === '') await ask(JSON.parse(/-d '(.+)'/.exec(command)?.[1] ?? '').query);
  else expect(JSON.parse(answer.stdout)).toMatchObject({ data: { createUser: { errors: [] } } });
  users = (await ask('{ users { totalCount } }')).users.totalCount;
  await hears('✓ SCOPE: the signature is valid');
  process.kill(-(listener.pid as number), 'SIGINT');
  await once(listener, 'close');
  expect((await ask('{ webhookSubscriptions { totalCount } }')).webhookSubscriptions.totalCount).toBe(0);

  first.signalAll('SIGINT');
  await first.ended();
  expect(first.output()).toContain('Stopping: requests and deliveries in flight are finished first.');
  await leavesNothing(first);
});

test('so does SIGTERM to npm alone', async () => {
  const started = await startsAgain();
  started.npm.kill('SIGTERM');
  await started.ended();
  expect(started.output()).toContain('Stopping: requests and deliveries in flight are finished first.');
  await leavesNothing(started);
});

test('after kill -9 of node, of Postgres, of npm or of all nothing is left, and the next start just works', async () => {
  const victims: [string, (started: Started) => Promise<number | null>][] = [
    ['node', (started) => started.server()],
    ['Postgres', () => checkout.postmaster()],
    ['npm', async (started) => started.npm.pid ?? null],
  ];
  for (const [name, find] of victims) {
    const started = await startsAgain();
    const pid = await find(started);
    expect([name, pid]).toEqual([name, expect.any(Number)]);
    process.kill(pid as number, 'SIGKILL');
    await started.ended();
    await leavesNothing(started);
  }
  const last = await startsAgain();
  last.signalAll('SIGKILL');
  await last.ended();
  // The next test starts again without waiting until the killed processes are gone.
});

test('a second start on the same data is refused, and the first one goes on until SIGINT', async () => {
  const first = await startsAgain();
  const second = checkout.start({ PORT: '0' });
  expect(await second.ended()).toBe(1);
  expect(second.output()).toContain(`DATA_DIR_IN_USE: Another process already runs the Postgres in ${checkout.dataDir}\n`);
  expect(second.output()).toContain('Stop that process, or set HOOKGRAPH_DATA_DIR to another folder.');
  expect(await second.survivors()).toEqual([]);
  expect(await ask('{ viewer { admin } }')).toEqual({ viewer: { admin: true } });

  const other = checkout.start({ HOOKGRAPH_DATA_DIR: `${checkout.dir}/other-data` });
  expect(await other.ended()).toBe(1);
  expect(other.output()).toContain('EADDRINUSE');
  expect(other.output()).toMatch(/Stop that program, or use the next free port: `PORT=\d+`/);
  expect((await checkout.postgresProcesses()).filter((line) => line.includes('other-data'))).toEqual([]);
  first.npm.kill('SIGINT');
  await first.ended();
  expect(first.output()).toContain('Stopping: requests and deliveries in flight are finished first.');
  await leavesNothing(first);
});

test('a bad value is told with its name, and ends it with 1', async () => {
  const started = checkout.start({ HOOKGRAPH_ALLOWED_NETWORKS: 'everywhere' });
  expect(await started.ended()).toBe(1);
  expect(started.output()).toContain('BAD_CONFIG: HOOKGRAPH_ALLOWED_NETWORKS is "everywhere", but it must be a list of networks');
  await leavesNothing(started);
});

test('the built command answers --help, --version and config', async () => {
  const run = async (...args: string[]) => (await execute(process.execPath, ['dist/cli/main.js', ...args], { cwd: checkout.dir })).stdout;
  const help = await run('--help');
  for (const command of ['serve', 'api', 'worker', 'migrate', 'config']) expect(help).toContain(command);
  expect(await run('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  const config = await run('config');
  for (const name of ['PORT', 'HOST', 'DATABASE_URL', 'HOOKGRAPH_DATA_DIR', 'HOOKGRAPH_BASE_URL', 'HOOKGRAPH_DOMAIN'])
    expect(config).toContain(`${name}=`);
  for (const name of ['HEADER_PREFIX', 'ADMIN_TOKEN', 'ALLOWED_NETWORKS', 'ENCRYPTION_KEYS'])
    expect(config).toContain(`HOOKGRAPH_${name}=`);
});
