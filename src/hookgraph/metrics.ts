// Collects metrics for Prometheus: counts the engine's attempts, and reads its queues from the database.
import type { Pool, PoolConfig } from 'pg';
import { openPool } from '../runtime/database.js';
import type { Logger } from '../runtime/logger.js';
import type { Metrics, MetricsText, Reading } from '../runtime/metrics/metrics.js';
import {
  type DeliveryKind,
  type Meter,
  type Outcome,
  type QueueState,
  readQueueState,
  STAGES,
  type Stage,
  type Timings,
  timeOfId,
  type Webhooks,
} from '../webhooks/index.js';

const KINDS: DeliveryKind[] = ['LIVE', 'REPLAY', 'RESEND', 'TEST', 'SNAPSHOT', 'BEFORE'];
const OUTCOMES: Outcome[] = ['DELIVERED', 'SKIPPED', 'HELD', 'FAILED'];
const ENDINGS: (Stage | '')[] = ['', ...(Object.keys(STAGES) as Stage[])];
/** Maps each value of the metrics' label `stage` to the property of `Timings` that holds the stage's duration. */
const TIMINGS: Record<string, keyof Timings> = {
  query: 'queryMs',
  render: 'renderMs',
  auth: 'authMs',
  send: 'sendMs',
  first_byte: 'firstByteMs',
};
const RULES = ['RETRIES_EXHAUSTED', 'TOO_MANY_ERRORS', 'GONE', 'OWNER_GONE'];

const indexOf = <T extends string>(values: T[]) => Object.fromEntries(values.map((value, index) => [value, index])) as Record<T, number>;

/** Creates the engine's meter: the engine calls its methods to report attempts and other events, and the meter counts them. */
export function createMeter(metrics: Metrics): Meter {
  const [kindAt, outcomeAt, stageAt] = [indexOf(KINDS), indexOf(OUTCOMES), indexOf(ENDINGS)];
  const attempts = metrics.hotCounter(
    'hookgraph_attempts_total',
    KINDS.flatMap((kind) =>
      OUTCOMES.flatMap((outcome) =>
        ENDINGS.map((stage) => ({
          labels: { kind, outcome, stage },
          isShown: kind === 'LIVE' && (outcome === 'FAILED' ? stage !== '' && stage !== 'VALIDATION' : stage === ''),
        })),
      ),
    ),
  );
  const durations = metrics.histogram(
    'hookgraph_attempt_duration_seconds',
    OUTCOMES.map((outcome) => ({ outcome })),
  );
  const stages = metrics.histogram(
    'hookgraph_stage_duration_seconds',
    Object.keys(TIMINGS).map((stage) => ({ stage })),
  );
  const timings = Object.values(TIMINGS);
  const lag = metrics.histogram('hookgraph_delivery_lag_seconds', [{}]);
  // These counters are exported as 0 from the start, so that Prometheus sees their first increase.
  for (const rule of RULES) metrics.count('hookgraph_disabled_subscriptions_total', { rule }, 0);
  for (const cause of ['NETWORK', 'RENDERER', 'HOST', 'INTERNAL', 'LOOP', 'BODIES', 'SLOW_QUERY'])
    metrics.count('hookgraph_put_back_deliveries_total', { cause }, 0);
  for (const cause of ['TEMPLATE', 'UNKNOWN']) metrics.count('hookgraph_renderer_restarts_total', { cause }, 0);
  return {
    attempt(attempt) {
      const { outcome, stage, startedAt, durationMs } = attempt;
      const { kind, eventId, attemptCount } = attempt.delivery;
      attempts.add((kindAt[kind] * OUTCOMES.length + outcomeAt[outcome]) * ENDINGS.length + stageAt[stage ?? '']);
      durations.observe(outcomeAt[outcome], durationMs / 1000);
      for (let index = 0; index < timings.length; index++) {
        const ms = attempt.timings[timings[index] as keyof Timings];
        if (ms !== undefined) stages.observe(index, ms / 1000);
      }
      // The lag is at least 0, because the clocks of database and worker may differ a little.
      if (kind === 'LIVE' && attemptCount === 0 && eventId !== null)
        lag.observe(0, Math.max(0, (startedAt.getTime() - timeOfId(eventId)) / 1000));
    },
    relayed(changes, withoutTenant) {
      metrics.count('hookgraph_relayed_changes_total', {}, changes);
      if (withoutTenant > 0) metrics.count('hookgraph_events_without_tenant_total', {}, withoutTenant);
    },
    putBack: (cause) => metrics.count('hookgraph_put_back_deliveries_total', { cause }),
    disabled: (rule) => metrics.count('hookgraph_disabled_subscriptions_total', { rule }),
    rendererEnded: (cause) => metrics.count('hookgraph_renderer_restarts_total', { cause }),
    loopFailed: (loop) => metrics.count('hookgraph_loop_failures_total', { loop }),
  };
}

/** Milliseconds for which the state of the queues is cached. Scrapes within that time get the same values. */
const MAX_AGE_MS = 5_000;
/** Milliseconds to wait for the state of the queues. Prometheus gives up a scrape after 10 s by default. */
const TIMEOUT_MS = 2_000;

export interface MetricsOptions {
  metrics: Metrics;
  webhooks: Pick<Webhooks, 'engine' | 'working'>;
  pools: Record<string, Pool>;
  /**
   * The options of the database's connections. Queues are read on a separate connection, so that a scrape never
   * waits for the pools whose state it reports.
   */
  connection: PoolConfig;
  schema: string;
  log: Logger;
}

export interface MetricsReader {
  /**
   * Returns this process's metrics and the state of the installation's queues. `process`: whether to add the process's
   * memory and processor time.
   */
  write(options: { process: boolean }): Promise<MetricsText>;
  close(): Promise<void>;
}

export function createMetricsReader({ metrics, webhooks, pools, connection, schema, log }: MetricsOptions): MetricsReader {
  let reader: Pool | undefined;
  let latest: { at: number; state: DatabaseState } | undefined;
  let reading: Promise<DatabaseState> | undefined;

  /** Reads the queues in at most TIMEOUT_MS. Concurrent scrapes share one query. */
  async function databaseState(): Promise<DatabaseState> {
    if (latest && performance.now() - latest.at < MAX_AGE_MS) return latest.state;
    reader ??= openReader(connection, schema, log);
    // A long queue or a lock may slow the statement that reads the queues, so `SELECT 1` shows whether the database answers.
    const isUp = reader.query('SELECT 1').then(
      () => true,
      () => false,
    );
    reading ??= readQueueState(reader)
      .catch(async () => ((await isUp) ? 'SLOW' : 'DOWN'))
      .then((state: DatabaseState) => {
        latest = { at: performance.now(), state };
        reading = undefined;
        return state;
      });
    const read = await within(TIMEOUT_MS, reading);
    if (read !== null) return read;
    const state = (await within(0, isUp)) ? 'SLOW' : 'DOWN';
    // A timeout is cached too, so that the next scrapes don't wait for the same query again.
    latest = { at: performance.now(), state };
    return state;
  }

  return {
    async write(options) {
      const state = await databaseState();
      return metrics.write([...ofProcess(webhooks, pools), ...ofInstallation(state)], options);
    },
    close: async () => void (await reader?.end()),
  };
}

/** The state of the queues; `SLOW` when they could not be read in time, `DOWN` when the database does not answer at all. */
type DatabaseState = QueueState | 'SLOW' | 'DOWN';

function openReader(connection: MetricsOptions['connection'], schema: string, log: Logger): Pool {
  const bounded = {
    ...connection,
    password: connection.password,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  };
  return openPool(bounded, { log, name: 'hookgraph metrics', max: 2, schema, settings: { statement_timeout: String(TIMEOUT_MS) } });
}

function ofProcess({ engine, working }: MetricsOptions['webhooks'], pools: Record<string, Pool>): Reading[] {
  const renderer = engine.renderer.state();
  const worker = working();
  return [
    { name: 'hookgraph_renderer_processes', value: renderer.processes },
    { name: 'hookgraph_renderer_waiting_jobs', value: renderer.waiting },
    ...(worker
      ? ([
          { name: 'hookgraph_in_progress_deliveries', value: worker.inProgress },
          { name: 'hookgraph_unwritten_results', value: worker.unwritten },
        ] as const)
      : []),
    ...engine.loops
      .states()
      .map(({ name: loop, ageMs }): Reading => ({ name: 'hookgraph_loop_age_seconds', labels: { loop }, value: ageMs / 1000 })),
    ...Object.entries(pools).flatMap(([pool, { totalCount, idleCount, waitingCount }]): Reading[] => [
      { name: 'hookgraph_pool_connections', labels: { pool, state: 'idle' }, value: idleCount },
      { name: 'hookgraph_pool_connections', labels: { pool, state: 'busy' }, value: totalCount - idleCount },
      { name: 'hookgraph_pool_waiting_requests', labels: { pool }, value: waitingCount },
    ]),
  ];
}

function ofInstallation(state: DatabaseState): Reading[] {
  if (typeof state === 'string') return [{ name: 'hookgraph_database_up', value: Number(state === 'SLOW') }];
  const dueOf = (paced: boolean) => state.due.find((due) => due.paced === paced) ?? { count: 0, oldestSeconds: 0 };
  const heldFor = (reason: string) => state.held.find((held) => held.reason === reason)?.count ?? 0;
  return [
    { name: 'hookgraph_database_up', value: 1 },
    ...[false, true].flatMap((paced): Reading[] => [
      { name: 'hookgraph_due_deliveries', labels: { paced: String(paced) }, value: dueOf(paced).count },
      { name: 'hookgraph_oldest_due_seconds', labels: { paced: String(paced) }, value: dueOf(paced).oldestSeconds },
    ]),
    ...['DISABLED', 'BROKEN', 'NODE'].map(
      (reason): Reading => ({ name: 'hookgraph_held_deliveries', labels: { reason }, value: heldFor(reason) }),
    ),
    ...(state.cleaned
      ? ([
          { name: 'hookgraph_history_cleaned_seconds', value: state.cleaned.secondsAgo },
          { name: 'hookgraph_history_locked_partitions', value: state.cleaned.locked },
        ] as const)
      : []),
    { name: 'hookgraph_waiting_changes', value: state.changes.count },
    { name: 'hookgraph_oldest_change_seconds', value: state.changes.oldestSeconds },
    ...['SLOWED', 'PROBING', 'LIMITED'].map((pace): Reading => {
      const count = state.paced.find(({ state }) => state === pace)?.count ?? 0;
      return { name: 'hookgraph_paced_subscriptions', labels: { state: pace }, value: count };
    }),
  ];
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
