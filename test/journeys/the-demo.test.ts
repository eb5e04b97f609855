// Promise: one command shows a newcomer what the product does, ends by itself, and leaves nothing behind.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort, type RunningCli, runCli } from '../support/cli.js';

let dir: string;
let serve: RunningCli | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-demo-test-'));
});
afterEach(async () => {
  serve?.child.kill('SIGTERM');
  await serve?.ended();
  serve = undefined;
  await rm(dir, { recursive: true, force: true });
});

function expectTheWholeStory(output: string): void {
  expect(output).toMatch(/The receiver got:\n {2}POST \{"name": "Zoë Müller"\}\n/);
  expect(output).toMatch(/X-Scope-Topic: user\/created\n/);
  expect(output).toContain('signature: valid');
  expect(output).toMatch(/Zoë Müller +DELIVERED +the receiver answered 200 in \d+ ms/);
  expect(output).toMatch(/Alain Bloch +SKIPPED +VALIDATION: The validation template rendered false\./);
}

it('tells the whole story on a database that is gone afterwards', async () => {
  const demo = runCli(['demo'], { TMPDIR: dir });
  expect(await demo.ended(), demo.output()).toBe(0);
  expectTheWholeStory(demo.output());
  expect(demo.output()).toContain('on a temporary database');
  expect((await readdir(dir)).filter((name) => name.startsWith('hookgraph-demo-'))).toEqual([]);
});

it('tells it on the product that runs already, and takes back what it made there', async () => {
  const env = { HOOKGRAPH_DATA_DIR: join(dir, 'data'), PORT: String(await freePort()), HOOKGRAPH_ADMIN_TOKEN: 'a-token' };
  serve = runCli(['serve'], env);
  await serve.says('curl -s');
  const demo = runCli(['demo', '--running'], env);
  expect(await demo.ended(), demo.output()).toBe(0);
  expectTheWholeStory(demo.output());
  const response = await fetch(`http://127.0.0.1:${env.PORT}/api/v3/graphql`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-token', 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ webhookSubscriptions { totalCount } users(fullText: "Zoë") { totalCount } }' }),
  });
  expect(await response.json()).toEqual({ data: { webhookSubscriptions: { totalCount: 0 }, users: { totalCount: 0 } } });
});

it('says what to do where none runs', async () => {
  const env = { HOOKGRAPH_DATA_DIR: dir, PORT: String(await freePort()), HOOKGRAPH_ADMIN_TOKEN: 'a-token' };
  const demo = runCli(['demo', '--running'], env);
  expect(await demo.ended()).toBe(1);
  expect(demo.output()).toContain(`No Hookgraph answers at http://127.0.0.1:${env.PORT}`);
});
