// Tests that the processes of an installation agree on the API's public address, whichever of them starts first.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shareAddress } from '../../src/cli/address.js';
import { type Installation, openInstallation } from '../../src/cli/installation.js';
import { commandLine } from '../support/command-line.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { collectLines } from '../support/log-lines.js';
import { until } from '../support/until.js';

const KEYS = { HOOKGRAPH_ENCRYPTION_KEYS: randomBytes(32).toString('base64'), HOOKGRAPH_LOG_LEVEL: 'silent' };
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ seeded: true });
});
afterAll(() => database.close());

/** Opens the installation as a process with this environment would, and shares its address. */
async function start(isApi: boolean, env: Record<string, string> = {}) {
  const environment = { DATABASE_URL: database.url, ...KEYS, ...env };
  const installation = await openInstallation({ prepare: false, join: false, env: environment, say: () => {} });
  const { log, named } = collectLines();
  const end = await shareAddress({ ...installation, log }, { isApi, env: environment, everyMs: 20 });
  const close = async () => {
    end();
    await installation.close();
  };
  return { settings: settingsOf(installation), named, close };
}

const settingsOf = ({ app }: Installation) => {
  const { settings } = app.webhooks.engine;
  return () => ({ url: settings.objectUrl?.('abc'), domain: settings.domain });
};
const at = (baseUrl: string, domain: string) => ({ url: `${baseUrl}/api/v3/graphql/object/abc`, domain });
const WARNING = 'URLs in payloads begin with an address of this machine; set HOOKGRAPH_BASE_URL';

test('a worker learns the address of the API, also of one that starts later, and warns while only its machine can open it', async () => {
  const worker = await start(false);
  try {
    expect(worker.settings()).toEqual(at('http://127.0.0.1:4000', '127.0.0.1'));
    expect(worker.named(WARNING)).toMatchObject([{ baseUrl: 'http://127.0.0.1:4000' }]);

    await (await start(true, { PORT: '4010' })).close();
    await until('the worker knows the port', () => worker.settings().url?.startsWith('http://127.0.0.1:4010/'));
    expect(worker.named(WARNING)).toHaveLength(2);

    await (await start(true, { HOOKGRAPH_BASE_URL: 'https://hooks.example.com/', HOOKGRAPH_DOMAIN: 'example.com' })).close();
    await until('the worker knows the domain', () => worker.settings().domain === 'example.com');
    expect(worker.settings()).toEqual(at('https://hooks.example.com', 'example.com'));
    expect(worker.named(WARNING)).toHaveLength(2);
  } finally {
    await worker.close();
  }
});

test('an address that somebody configured is kept where a process has none, and replaced by another configured one', async () => {
  await (await start(true, { HOOKGRAPH_BASE_URL: 'https://one.example.com' })).close();
  const api = await start(true, { PORT: '4011' });
  expect(api.settings()).toEqual(at('https://one.example.com', 'one.example.com'));
  expect(api.named(WARNING)).toEqual([]);
  await api.close();
  const worker = await start(false, { HOOKGRAPH_DOMAIN: 'mine.example.com' });
  expect(worker.settings()).toEqual(at('https://one.example.com', 'mine.example.com'));
  await worker.close();
  await (await start(true, { HOOKGRAPH_BASE_URL: 'https://two.example.com' })).close();
  const next = await start(false);
  expect(next.settings()).toEqual(at('https://two.example.com', 'two.example.com'));
  await next.close();
});

test('doctor warns of an address that only its machine can open, and of a missing login to the API', async () => {
  const findings = async (env: Record<string, string>) => {
    const line = await commandLine({ DATABASE_URL: database.url, ...KEYS, ...env });
    const { stdout } = await line.run(['doctor', '--json']);
    await line.close();
    return JSON.parse(stdout).filter(({ check }: { check: string }) => ['base URL', 'login'].includes(check));
  };
  expect(await findings({ HOOKGRAPH_BASE_URL: 'http://localhost:4000' })).toMatchObject([{ outcome: 'WARN' }, { outcome: 'WARN' }]);
  expect(await findings({ HOOKGRAPH_BASE_URL: 'https://hooks.example.com' })).toMatchObject([{ outcome: 'OK' }, { outcome: 'WARN' }]);
});
