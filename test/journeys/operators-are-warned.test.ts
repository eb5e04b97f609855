// Promise: each alert of deploy/prometheus/alerts.yaml fires on its real symptom, and none fires while all is well.
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreezingProxy, startFreezingProxy } from '../support/freezing-proxy.js';
import { createUser, organizationId, untilSettled } from '../support/journey.js';
import { type Process, type Product, startProduct } from '../support/product.js';
import { hasPrometheus, type Prometheus, startPrometheus } from '../support/prometheus.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { monitoringIn } from '../support/started.js';
import { until } from '../support/until.js';

const MONITORED = { HOOKGRAPH_MONITORING_PORT: '0' };

const addressOf = ({ output }: Process): Promise<string> => until('the monitoring port is open', () => monitoringIn(output()));

describe.skipIf(!hasPrometheus)('operators are warned (skipped without prometheus: apt-get install prometheus)', () => {
  let product: Product;
  let prometheus: Prometheus;
  let receiver: Receiver;
  let proxy: FreezingProxy;
  let api: string;
  let worker: Process;
  let address: string;

  const startWorker = async (env: Record<string, string> = {}) => {
    const started = await product.start('worker', { ...MONITORED, HOOKGRAPH_MAX_IN_PROGRESS: '20', ...env });
    return { started, at: await addressOf(started) };
  };

  beforeAll(async () => {
    [product, prometheus, receiver] = await Promise.all([
      startProduct({ command: 'api', env: MONITORED }),
      startPrometheus(),
      startReceiver(),
    ]);
    proxy = await startFreezingProxy(product.db.url);
    api = await addressOf(product.main);
    ({ started: worker, at: address } = await startWorker({ DATABASE_URL: proxy.url }));
    await prometheus.scrape([api, address]);
  });
  afterAll(async () => {
    await prometheus?.stop();
    await product?.close();
    await Promise.all([proxy?.close(), receiver?.close()]);
  });

  const topic = { key: 'user/created' };
  const insertUsers = async (count: number) =>
    product.pool.query(
      `INSERT INTO users (organization_id, first_name, last_name, username, email)
       SELECT $1, 'Some', 'Body', 'u' || gen_random_uuid(), gen_random_uuid() || '@example.org' FROM generate_series(1, $2)`,
      [await organizationId(product), count],
    );
  const counted = async (selector: string) => (await prometheus.query(`sum(${selector})`))[0]?.value ?? 0;

  /** Waits until none of these alerts fires, so that a later one comes from the next symptom. */
  const isQuiet = (...alerts: string[]) =>
    until(`${alerts} are quiet`, async () => {
      const firing = await prometheus.firing();
      return !alerts.some((alert) => firing.includes(alert));
    });

  it('of nothing, while all is well', async () => {
    await product.subscribe({ topic, callbackUrl: `${receiver.url}/fine` });
    await createUser(product);
    await until('the delivery is counted', async () => (await counted('hookgraph_attempts_total{outcome="DELIVERED"}')) === 1);
    await until('both processes are scraped', async () => (await counted('up')) === 2);
    expect(await counted('hookgraph_delivery_lag_seconds_count')).toBe(1);
    // Waits until no other alert is left, because with the shortened durations a busy machine may be late for a moment. The alert about
    // the event loop is excluded, because it reports exactly that.
    await until('no other alert fires', async () => (await prometheus.firing()).every((alert) => alert === 'HookgraphEventLoopLate'));
  });

  it('of subscriptions that a rule switched off, and of attempts that fail', async () => {
    await product.subscribe({ topic, callbackUrl: `${receiver.url}/gone` });
    receiver.answer = (response, { path }) => void response.writeHead(path === '/gone' ? 410 : 500).end();
    await createUser(product);
    expect(await prometheus.fires('HookgraphSubscriptionsDisabled')).toMatchObject([{ rule: 'GONE' }]);
    await prometheus.fires('HookgraphAttemptsFail');
    receiver.answer = (response) => void response.end();
  });

  it('of render processes that end', async () => {
    await product.subscribe({ topic, callbackUrl: `${receiver.url}/rendered`, template: '{ "at": {{ notification.time | json }} }' });
    await isQuiet('HookgraphRendererRestarts');
    for (let killed = 0; killed < 4; killed++) {
      const pid = await until('a render process runs', () => renderProcessOf(worker));
      process.kill(pid, 'SIGKILL');
      await until('its end is counted', async () => (await counted('hookgraph_renderer_restarts_total{cause="UNKNOWN"}')) === killed + 1);
      await createUser(product);
    }
    await prometheus.fires('HookgraphRendererRestarts');
  });

  it('of a worker that was killed: of itself, of due deliveries and of changes that wait', async () => {
    await untilSettled(product);
    receiver.answer = () => {};
    await insertUsers(60);
    await until('all are relayed, and some are in progress', async () => {
      const { rows } = await product.pool.query(
        `SELECT (SELECT count(*)::int FROM hookgraph.captures) AS captures,
           (SELECT count(*)::int FROM hookgraph.open_deliveries WHERE lease_until > now()) AS leased`,
      );
      return rows[0].captures === 0 && rows[0].leased > 0;
    });
    await isQuiet('HookgraphDown', 'HookgraphBacklogOld', 'HookgraphRelayBehind');
    await worker.kill('SIGKILL');
    await insertUsers(1);
    expect(await prometheus.fires('HookgraphDown')).toMatchObject([{ instance: address }]);
    await prometheus.fires('HookgraphBacklogOld');
    await prometheus.fires('HookgraphRelayBehind');
  });

  it('of deliveries that come late, when a worker runs again', async () => {
    await isQuiet('HookgraphDeliveriesLate');
    // Prometheus sees an increase only after a first scrape, so the deliveries end only after that.
    const kept: ServerResponse[] = [];
    receiver.answer = (response) => void kept.push(response);
    ({ started: worker, at: address } = await startWorker({ DATABASE_URL: proxy.url, HOOKGRAPH_REQUEST_TIMEOUT_MS: '60000' }));
    await prometheus.scrape([api, address]);
    await until('the worker is scraped', async () => (await counted(`up{instance="${address}"}`)) === 1);
    receiver.answer = (response) => void response.end();
    for (const response of kept) response.end();
    await prometheus.fires('HookgraphDeliveriesLate');
  });

  it('of a connection to Postgres that is dead, and its loops that are stuck', async () => {
    expect((await fetch(`http://${address}/readyz`)).status).toBe(200);
    await isQuiet('HookgraphDatabaseUnreachable', 'HookgraphLoopStuck');
    proxy.freeze();
    await prometheus.fires('HookgraphDatabaseUnreachable');
    const stuck = await prometheus.fires('HookgraphLoopStuck');
    expect(stuck.map(({ loop }) => loop)).toContain('relay');
    const [ready, alive] = await Promise.all(['readyz', 'healthz'].map((path) => fetch(`http://${address}/${path}`)));
    expect([ready?.status, alive?.status]).toEqual([503, 200]);
    proxy.thaw();
    await until('it is ready again', async () => (await fetch(`http://${address}/readyz`)).status === 200);
    await worker.kill('SIGKILL');
  });

  it('of an event loop that is late', async () => {
    // Stops and continues the process all the time, so that its timers are late.
    let isStopped = false;
    const stutter = setInterval(() => {
      isStopped = !isStopped;
      product.main.child.kill(isStopped ? 'SIGSTOP' : 'SIGCONT');
    }, 300);
    try {
      await until('the alert names the API', async () =>
        (await prometheus.fires('HookgraphEventLoopLate')).some(({ instance }) => instance === api),
      );
    } finally {
      clearInterval(stutter);
      product.main.child.kill('SIGCONT');
    }
  });

  it('of its own network', async () => {
    const { at } = await startWorker({ HOOKGRAPH_EGRESS_PROXY: 'http://127.0.0.1:9' });
    await prometheus.scrape([api, at]);
    await until('it is scraped', async () => (await counted('hookgraph_put_back_deliveries_total{cause="NETWORK"}')) === 0);
    await isQuiet('HookgraphOwnNetworkFails');
    await createUser(product);
    expect(await prometheus.fires('HookgraphOwnNetworkFails')).toMatchObject([{ instance: at }]);
    address = at;
  });

  it('of an application that fails', async () => {
    await isQuiet('HookgraphHostFails');
    await product.pool.query(`BEGIN;
      INSERT INTO users (organization_id, first_name, last_name) VALUES ('${await organizationId(product)}', 'Some', 'Body');
      ALTER TABLE users RENAME COLUMN last_name TO renamed;
      COMMIT`);
    expect(await prometheus.fires('HookgraphHostFails')).toMatchObject([{ instance: address }]);
  });
});

/** The pid of a render process of this worker; `null` while there is none. */
function renderProcessOf({ child }: Process): number | null {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('render-process')) ?? null;
}
