import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { runCli } from '../support/cli.js';

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp({}, { sampleData: true });
});
afterAll(() => t.close());

test('simulate changes things through the API at its rate, tells them, and ends at Ctrl-C', async () => {
  const cli = runCli(['simulate', '--rate', '50/s', '--url', t.api.url], { HOOKGRAPH_ADMIN_TOKEN: ADMIN_TOKEN });
  await cli.says(`Changing data as Ada Lovelace of Acme Training at ${t.api.url}`);
  await cli.says('started a session of');
  await cli.says(/(began|did) “/);
  cli.child.kill('SIGINT');
  expect(await cli.ended()).toBe(0);
  expect(cli.output()).toMatch(/Made \d+ changes\.\n$/);
  expect(cli.output()).not.toContain('failed');
  const { rows } = await t.database.pool.query(`SELECT context FROM hookgraph.recorded WHERE typename = 'ScenarioSession' LIMIT 1`);
  expect(JSON.parse(rows[0].context).actor).toEqual({ userId: t.admin.userId });
});

test.each([
  [['--rate', 'often'], 'RATE_INVALID: --rate is "often"\nWrite a rate like 2/s'],
  [['--rate', '0/s'], 'RATE_INVALID'],
  [
    ['--url', 'http://127.0.0.1:1', '--token', 'x'],
    'API_UNREACHABLE: No server answers at http://127.0.0.1:1/api/v3/graphql\nStart Hookgraph',
  ],
  [[], 'TOKEN_MISSING: No API token is configured'],
])('simulate %j says what is wrong', async (args, message) => {
  const cli = runCli(['simulate', ...args], { HOOKGRAPH_DATA_DIR: '/nowhere' });
  expect(await cli.ended()).toBe(1);
  expect(cli.output()).toContain(message);
});

test('simulate with somebody’s old token says so', async () => {
  const cli = runCli(['simulate', '--url', t.api.url, '--token', 'old']);
  expect(await cli.ended()).toBe(1);
  expect(cli.output()).toContain('API_REFUSED: The API answered with status 401: This token does not exist');
});
