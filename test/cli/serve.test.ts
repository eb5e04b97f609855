// Starts, stops, kills and restarts the whole product as real processes, as one process and as separate ones.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPostmaster } from '../../src/runtime/postgres/postmaster.js';
import { freePort, type RunningCli, runCli } from '../support/cli.js';
import { testDatabase } from '../support/database.js';
import { until } from '../support/until.js';

let dataDir: string;
let env: Record<string, string>;
const running: RunningCli[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-serve-'));
  env = { HOOKGRAPH_DATA_DIR: dataDir, PORT: String(await freePort()) };
});
afterEach(async () => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
  await until('Postgres is gone', async () => (await postmaster()) === null);
  await rm(dataDir, { recursive: true, force: true });
});

function start(args: string[], more: Record<string, string> = {}): RunningCli {
  const cli = runCli(args, { ...env, ...more });
  running.push(cli);
  return cli;
}

const postmaster = () => findPostmaster(join(dataDir, 'postgres'));
const tokenIn = (output: string) => /Token +(\S+)/.exec(output)?.[1];

const viewer = (token: string | undefined) => ask(token, '{ viewer { admin organization { name } } }');

async function ask(token: string | undefined, query: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${env.PORT}/api/v3/graphql`, {
    method: 'POST',
    headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

/** Returns the command line and the environment of each process that a process started, directly or not. */
async function childrenOf(pid: number): Promise<{ command: string; environment: string }[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter(Boolean).map(Number);
  const read = (child: number, file: string) => readFile(`/proc/${child}/${file}`, 'utf8').catch(() => '');
  const own = children.map(async (child) => ({ command: await read(child, 'cmdline'), environment: await read(child, 'environ') }));
  return [...(await Promise.all(own)), ...(await Promise.all(children.map(childrenOf))).flat()];
}

test('serve starts on nothing, survives kill -9 with its token and its data, and ends cleanly on SIGTERM', async () => {
  const planted = { HOOKGRAPH_TOKEN: 'planted-token', PLANTED: 'planted-secret', DATABASE_PASSWORD: 'planted-password' };
  const first = start(['serve'], planted);
  await first.says('curl -s');
  const token = tokenIn(first.output());
  if (process.platform === 'linux') {
    const pid = first.child.pid as number;
    const subscription = '{ topic: { key: "user/created" }, callbackUrl: "http://127.0.0.1:1025/", template: "{{ 1 }}" }';
    await ask(token, `mutation { previewWebhookSubscription(webhookSubscription: ${subscription}) { errors { message } } }`);
    await until('it renders', async () => (await childrenOf(pid)).some(({ command }) => command.includes('render-process')));
    const children = await childrenOf(pid);
    expect(children.filter(({ command }) => /postgres/.test(command)).length).toBeGreaterThan(1);
    expect(children.filter(({ environment }) => /planted|HOOKGRAPH|DATABASE/.test(environment))).toEqual([]);
  }
  const answer = { data: { viewer: { admin: true, organization: { name: expect.any(String) } } } };
  expect(await viewer(token)).toMatchObject(answer);
  expect(await readFile(join(dataDir, 'database-url'), 'utf8')).toMatch(/^postgres:/);
  first.child.kill('SIGKILL');
  const second = start(['serve']);
  await second.says('curl -s');
  expect(second.output()).toContain('Hookgraph is running.');
  expect(tokenIn(second.output())).toBe(token);
  expect(second.output()).not.toContain('Migrated');
  expect((await fetch(`http://127.0.0.1:${env.PORT}/readyz`)).status).toBe(200);
  expect(await viewer(token)).toMatchObject(answer);
  expect(await readFile(join(dataDir, 'api-url'), 'utf8')).toBe(`http://127.0.0.1:${env.PORT}\n`);
  second.child.kill('SIGTERM');
  expect(await second.ended()).toBe(0);
  expect(await postmaster()).toBeNull();
  expect(await readdir(dataDir)).not.toContain('api-url');
});

test('a database of one’s own gets no sample data unasked; an API and two workers share it, once it has an organization', async () => {
  const database = await testDatabase({ empty: true });
  try {
    const own = { DATABASE_URL: database.url, HOOKGRAPH_ADMIN_TOKEN: 'a-token-of-mine' };
    const serve = start(['serve'], own);
    await serve.says(/There is no organization yet. Create one with `hookgraph create-organization`/);
    expect(serve.output()).toContain('created an encryption key; keep this file');
    expect(serve.output()).not.toContain('Token');
    expect(serve.output().match(/"msg":"capture [^"]*"/g)).toEqual(['"msg":"capture triggers and topics are up to date"']);
    expect((await database.pool.query('SELECT FROM organizations')).rowCount).toBe(0);
    serve.child.kill('SIGTERM');
    expect(await serve.ended()).toBe(0);
    const create = start(['create-organization', 'Zoë & Söhne', '--admin', 'Zoë von Ohlen', '--json'], own);
    expect(await create.ended()).toBe(0);
    expect(JSON.parse(create.output())).toEqual({ name: 'Zoë & Söhne', permalink: 'zoe-sohne', admin: 'Zoë von Ohlen', token: null });
    const api = start(['api'], own);
    const workers = [start(['worker'], own), start(['worker'], own)];
    await api.says('the API is running');
    for (const worker of workers) await worker.says('the worker is running');
    expect(await viewer('a-token-of-mine')).toMatchObject({ data: { viewer: { admin: true, organization: { name: 'Zoë & Söhne' } } } });
    for (const cli of [...workers, api]) {
      cli.child.kill('SIGTERM');
      expect(await cli.ended()).toBe(0);
      const lines = cli
        .output()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const role = cli === api ? 'api' : 'worker';
      for (const line of lines)
        expect(line).toMatchObject({ level: expect.stringMatching(/^(info|warn|error)$/), role, time: expect.stringMatching(/Z$/) });
      expect(lines.map(({ msg }) => msg)).toContain('stopping: requests and deliveries in flight are finished first');
    }
  } finally {
    await database.close();
  }
});
