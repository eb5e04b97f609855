// Tests the port for health and metrics over real HTTP.
import { afterEach, expect, it } from 'vitest';
import { type MonitoringPort, openMonitoringPort } from '../../src/runtime/monitoring-port.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';

let port: MonitoringPort;
afterEach(() => port.stop());

const open = async (readiness: () => Promise<{ status: number; body: object }>) => {
  port = await openMonitoringPort({
    host: '127.0.0.1',
    port: 0,
    readiness,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'hookgraph_database_up 1\n' }),
    log: createPlainLog('silent'),
  });
};
const get = (path: string, method = 'GET') => fetch(port.url + path, { method });

it('answers whether the process lives, whether it is ready, and its metrics', async () => {
  await open(async () => ({ status: 503, body: { status: 'the worker is stuck', problems: ['The loop relay …'] } }));
  const [alive, ready, metrics] = await Promise.all(['/healthz', '/readyz', '/metrics'].map((path) => get(path)));
  expect([alive?.status, ready?.status, metrics?.status]).toEqual([200, 503, 200]);
  expect(await ready?.json()).toEqual({ status: 'the worker is stuck', problems: ['The loop relay …'] });
  expect(metrics?.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await metrics?.text()).toBe('hookgraph_database_up 1\n');
});

it('has nothing else, and is for reading alone', async () => {
  await open(async () => ({ status: 200, body: {} }));
  expect((await get('/')).status).toBe(404);
  expect((await get('/constructor')).status).toBe(404);
  expect((await get('/metrics', 'POST')).status).toBe(405);
  expect(await (await get('/metrics?x=1', 'HEAD')).text()).toBe('');
});

it('answers an error that has no details, and goes on', async () => {
  await open(async () => {
    throw new Error('postgres://user:secret@db');
  });
  const failed = await get('/readyz');
  expect(failed.status).toBe(500);
  expect(await failed.text()).not.toContain('secret');
  expect((await get('/healthz')).status).toBe(200);
});
