// Tests that `listen` finds the local API again after the API has restarted at another port.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { announceLocalApi } from '../../src/cli/local-api.js';
import { ADMIN_TOKEN, servedApp } from '../support/app.js';
import { freePort } from '../support/cli.js';
import { commandLine } from '../support/command-line.js';
import { startSwallowingProxy } from '../support/swallowing-proxy.js';
import { until } from '../support/until.js';

it('listen looks after its subscription, and deletes it, at the port where the API is now', async () => {
  const t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  const cli = await commandLine({ HOOKGRAPH_URL: '', HOOKGRAPH_TOKEN: '' });
  const config = { dataDir: join(cli.dir, 'data') };
  const before = await startSwallowingProxy(Number(new URL(t.api.url).port));
  await announceLocalApi(config, `http://127.0.0.1:${before.port}`);
  await writeFile(join(config.dataDir, 'admin-token'), `${ADMIN_TOKEN}\n`);
  let now = Date.now();
  const stop = new AbortController();
  const ran = cli.run(['listen', '--port', String(await freePort()), '--subscribe', 'user/created'], {
    signal: stop.signal,
    clock: { now: () => now, everyMs: 20 },
  });
  const statuses = async () => (await cli.json('webhooks', 'list')).map(({ status }: { status: string }) => status);
  try {
    await until('it has subscribed', async () => `${await statuses()}` === 'ENABLED');
    before.close();
    await announceLocalApi(config, t.api.url);
    await cli.run(['webhooks', 'disable', 'listen (user/created)']);
    now += 10 * 60_000;
    await until('it is enabled again', async () => `${await statuses()}` === 'ENABLED');
  } finally {
    stop.abort();
  }
  expect(await ran).toMatchObject({ code: 0 });
  expect(await statuses()).toEqual([]);
  await cli.close();
  await t.close();
});
