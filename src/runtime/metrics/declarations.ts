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
    'Ended attempts, by the kind of the delivery, the outcome and, for a failed attempt, the stage at which it failed.',
    'kind',
    'outcome',
    'stage',
  ),
  hookgraph_attempt_duration_seconds: histogram('Duration of whole attempts, by outcome.', SECONDS, 'outcome'),
  hookgraph_stage_duration_seconds: histogram(
    'Duration of the stages of an attempt: query, render, auth (waiting for an access token), send (the whole exchange with the receiver), first_byte (the part of send until the response begins).',
    SECONDS,
    'stage',
  ),
  hookgraph_delivery_lag_seconds: histogram(
    'Time from the change of a row until the first attempt of its delivery begins, by the clocks of the database and the worker. It includes the time until the transaction of the change commits.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
  ),
  hookgraph_put_back_deliveries_total: counter(
    'Deliveries that went back into the queue without an attempt: NETWORK (the network of this installation fails), RENDERER (templates of the same organization keep the renderer busy), HOST (a resolver, the database or the sign-in of the host fails), INTERNAL (an error of Hookgraph), LOOP (the node is in a feedback loop), BODIES (large bodies of the same subscription or organization are under way), SLOW_QUERY (the stored query exceeded its time limit). The log has the cause of HOST and INTERNAL.',
    'cause',
  ),
  hookgraph_relayed_changes_total: counter('Row changes that the relay of this process turned into events.'),
  hookgraph_events_without_tenant_total: counter('Events that were not matched with subscriptions because their tenant is unknown.'),
  hookgraph_disabled_subscriptions_total: counter('Subscriptions that a rule disabled.', 'rule'),
  hookgraph_renderer_restarts_total: counter(
    'Render processes that ended: TEMPLATE (a template took too long or too much memory), UNKNOWN (another cause).',
    'cause',
  ),
  hookgraph_renderer_processes: gauge('PROCESS', 'Running render processes.'),
  hookgraph_renderer_waiting_jobs: gauge('PROCESS', 'Rendering jobs that wait for a render process.'),
  hookgraph_loop_age_seconds: gauge('PROCESS', 'Time since a loop of the worker last completed an iteration without an error.', 'loop'),
  hookgraph_loop_failures_total: counter('Iterations of a loop of the worker that failed.', 'loop'),
  hookgraph_in_progress_deliveries: gauge('PROCESS', 'Deliveries in progress in this worker.'),
  hookgraph_unwritten_results: gauge(
    'PROCESS',
    'Results of attempts that are not recorded yet. If the process is killed, their deliveries are sent again.',
  ),
  hookgraph_loop_delay_seconds: histogram(
    'How late the event loop of the process is, measured every 50 ms. Requests and deliveries wait that long for each of their steps.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10],
  ),
  hookgraph_pool_connections: gauge(
    'PROCESS',
    'Connections to Postgres, by pool (main: queue and records; queries: stored queries) and state (idle or busy).',
    'pool',
    'state',
  ),
  hookgraph_pool_waiting_requests: gauge('PROCESS', 'Statements that wait for a connection to Postgres.', 'pool'),
  hookgraph_database_up: gauge(
    'PROCESS',
    '1 when the database answers, else 0. The metrics of the installation are absent when it is 0, and when the queues could not be read in time.',
  ),
  hookgraph_due_deliveries: gauge(
    'INSTALLATION',
    'Due deliveries that no worker has claimed. paced="true": deliveries of subscriptions that are slowed, probed or rate-limited, which wait on purpose.',
    'paced',
  ),
  hookgraph_oldest_due_seconds: gauge('INSTALLATION', 'Time since the oldest unclaimed delivery became due.', 'paced'),
  hookgraph_held_deliveries: gauge('INSTALLATION', 'Held deliveries, by the reason why they are held.', 'reason'),
  hookgraph_history_cleaned_seconds: gauge(
    'INSTALLATION',
    'Time since the last deletion of old history that went to its end; absent until the first one.',
  ),
  hookgraph_history_locked_partitions: gauge(
    'INSTALLATION',
    'Partitions that the last deletion of old history left, because a transaction held their lock.',
  ),
  hookgraph_waiting_changes: gauge(
    'INSTALLATION',
    'Recorded changes that have no deliveries yet, or not all of them, because no relay has processed them.',
  ),
  hookgraph_oldest_change_seconds: gauge('INSTALLATION', 'Age of the oldest change that no relay has processed yet: the lag of the relay.'),
  hookgraph_paced_subscriptions: gauge(
    'INSTALLATION',
    'Subscriptions that are slowed (SLOWED), probed (PROBING) or rate-limited (LIMITED).',
    'state',
  ),
} satisfies Record<string, Declaration>;

type Metrics = typeof METRICS;
export type MetricName = keyof Metrics;
