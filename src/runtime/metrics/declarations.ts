// Declares every metric: its type, labels and meaning. `npm run docs` writes them into docs/reference.md.

export interface Declaration {
  type: 'counter' | 'gauge' | 'histogram';
  meaning: string;
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in seconds. */
  buckets?: readonly number[];
  /**
   * The scope of the value. `PROCESS`: the process that answers the scrape. `INSTALLATION`: read from the database, so
   * that every process of an installation reports the same value.
   */
  of: 'PROCESS' | 'INSTALLATION';
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const counter = (meaning: string, ...labels: string[]): Declaration => ({ type: 'counter', meaning, labels, of: 'PROCESS' });
const gauge = (of: Declaration['of'], meaning: string, ...labels: string[]): Declaration => ({ type: 'gauge', meaning, labels, of });
const histogram = (meaning: string, buckets: readonly number[], ...labels: string[]): Declaration => ({
  type: 'histogram',
  meaning,
  labels,
  buckets,
  of: 'PROCESS',
});

export const METRICS = {
  hookgraph_attempts_total: counter(
    'Attempts that ended, by kind of delivery, outcome, and the stage at which a failed one ended.',
    'kind',
    'outcome',
    'stage',
  ),
  hookgraph_attempt_duration_seconds: histogram('Duration of whole attempts, by outcome.', SECONDS, 'outcome'),
  hookgraph_stage_duration_seconds: histogram(
    'Duration of the stages of an attempt: query, render, auth (waiting for an access token), send (the whole exchange), first_byte (the part of send until the response begins).',
    SECONDS,
    'stage',
  ),
  hookgraph_delivery_lag_seconds: histogram(
    'Time from the change of a row until the first attempt of its delivery begins, by the clocks of database and worker. A transaction that stays open counts.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
  ),
  hookgraph_put_back_deliveries_total: counter(
    "Deliveries that went back into the queue without an attempt: NETWORK (this installation's network fails), RENDERER (templates of their organization keep the renderer busy), INTERNAL (an internal error, which is logged).",
    'cause',
  ),
  hookgraph_relayed_changes_total: counter('Row changes of which the relay of this process made events.'),
  hookgraph_events_without_tenant_total: counter('Events that were not matched with subscriptions because their tenant is unknown.'),
  hookgraph_disabled_subscriptions_total: counter('Subscriptions that a rule disabled.', 'rule'),
  hookgraph_renderer_restarts_total: counter(
    'Render processes that ended: TEMPLATE (a template took too long or too much memory), UNKNOWN (another cause).',
    'cause',
  ),
  hookgraph_renderer_processes: gauge('PROCESS', 'Render processes.'),
  hookgraph_renderer_waiting_jobs: gauge('PROCESS', 'Renderings that wait for a process.'),
  hookgraph_loop_age_seconds: gauge('PROCESS', 'Time since a loop of the worker last completed without an error.', 'loop'),
  hookgraph_loop_failures_total: counter('Iterations of a loop of the worker that failed.', 'loop'),
  hookgraph_in_progress_deliveries: gauge('PROCESS', 'Deliveries in progress in this worker.'),
  hookgraph_unwritten_results: gauge(
    'PROCESS',
    'Results of attempts that are not recorded yet. After a kill, their deliveries are sent again.',
  ),
  hookgraph_pool_connections: gauge(
    'PROCESS',
    'Connections to Postgres: main (queue and records) and queries (stored queries), idle or busy.',
    'pool',
    'state',
  ),
  hookgraph_pool_waiting_requests: gauge('PROCESS', 'Statements that wait for a connection to Postgres.', 'pool'),
  hookgraph_database_up: gauge(
    'PROCESS',
    '1 when the database answered this scrape, else 0; then the metrics of the installation are absent.',
  ),
  hookgraph_due_deliveries: gauge(
    'INSTALLATION',
    'Due deliveries that no worker has claimed. paced="true": those of subscriptions that are slowed, probed or limited, which wait on purpose.',
    'paced',
  ),
  hookgraph_oldest_due_seconds: gauge('INSTALLATION', 'Time since the oldest unclaimed delivery became due.', 'paced'),
  hookgraph_held_deliveries: gauge('INSTALLATION', 'Held deliveries, by reason.', 'reason'),
  hookgraph_waiting_changes: gauge('INSTALLATION', 'Recorded changes that no relay has taken.'),
  hookgraph_oldest_change_seconds: gauge('INSTALLATION', 'Age of the oldest change that no relay has taken: the lag of the relay.'),
  hookgraph_paced_subscriptions: gauge('INSTALLATION', 'Subscriptions that are SLOWED, PROBING or LIMITED.', 'state'),
} satisfies Record<string, Declaration>;

type Metrics = typeof METRICS;
export type MetricName = keyof Metrics;
