// Lists the environment variables for the limits of stored queries and deliveries. A test checks that the bounds and
// defaults of deliveries equal those in webhooks/base/deadlines.ts.
import { type Variable, wholeNumber } from './config-texts.js';

export interface DeliveryConfig {
  queryMaxFields: number;
  queryMaxDepth: number;
  queryMaxCost: number;
  queryTimeoutMs: number;
  requestTimeoutMs: number;
  connectTimeoutMs: number;
  maxInProgress: number;
  maxPerSubscription: number;
  maxPerOrigin: number;
  databaseSilenceMs: number;
  loopStallMs: number;
  stopTimeoutMs: number;
  maxSubscriptionsPerTopic: number;
}

export const DELIVERY_VARIABLES: { [K in keyof DeliveryConfig]: Variable<DeliveryConfig[K]> } = {
  queryMaxFields: {
    name: 'HOOKGRAPH_QUERY_MAX_FIELDS',
    meaning: 'maximum number of fields of a stored query, counted with its fragments expanded',
    parse: wholeNumber(1, 1_000_000),
    fallback: '1000',
  },
  queryMaxDepth: {
    name: 'HOOKGRAPH_QUERY_MAX_DEPTH',
    meaning: 'maximum number of nested levels of fields in a stored query',
    parse: wholeNumber(1, 1000),
    fallback: '12',
  },
  queryMaxCost: {
    name: 'HOOKGRAPH_QUERY_MAX_COST',
    meaning: 'maximum cost of a stored query: the number of its fields, each multiplied by the sizes of the pages and lists above it',
    parse: wholeNumber(1, 1_000_000_000),
    fallback: '25000',
  },
  queryTimeoutMs: {
    name: 'HOOKGRAPH_QUERY_TIMEOUT_MS',
    meaning: 'maximum total time of the SQL statements of one stored query in milliseconds; waiting for a connection is not included',
    parse: wholeNumber(1, 60_000),
    fallback: '5000',
  },
  requestTimeoutMs: {
    name: 'HOOKGRAPH_REQUEST_TIMEOUT_MS',
    meaning:
      'time limit of a whole exchange with a receiver in milliseconds; this and HOOKGRAPH_QUERY_TIMEOUT_MS determine how long a worker leases a delivery',
    parse: wholeNumber(100, 60_000),
    fallback: '5000',
  },
  connectTimeoutMs: {
    name: 'HOOKGRAPH_CONNECT_TIMEOUT_MS',
    meaning:
      'time limit of name lookup, connection and TLS together, in milliseconds; default: nine tenths of HOOKGRAPH_REQUEST_TIMEOUT_MS',
    parse: wholeNumber(50, 60_000),
    fallback: ({ HOOKGRAPH_REQUEST_TIMEOUT_MS: requestMs }) => String(Math.floor(Number(requestMs) * 0.9)),
  },
  maxInProgress: {
    name: 'HOOKGRAPH_MAX_IN_PROGRESS',
    meaning: 'maximum number of deliveries in progress in a worker; of several organizations together a fifth more',
    parse: wholeNumber(1, 100_000),
    fallback: '3000',
  },
  maxPerSubscription: {
    name: 'HOOKGRAPH_MAX_PER_SUBSCRIPTION',
    meaning:
      'maximum number of deliveries of one subscription in progress in a worker; default: 300, or HOOKGRAPH_MAX_IN_PROGRESS where that is less',
    parse: wholeNumber(1, 100_000),
    fallback: ({ HOOKGRAPH_MAX_IN_PROGRESS: inProgress }) => String(Math.min(300, Number(inProgress))),
  },
  maxPerOrigin: {
    name: 'HOOKGRAPH_MAX_PER_ORIGIN',
    meaning:
      'maximum number of simultaneous requests of a process to one origin (scheme, host and port); of several organizations together a fifth more',
    parse: wholeNumber(1, 10_000),
    fallback: '200',
  },
  databaseSilenceMs: {
    name: 'HOOKGRAPH_DATABASE_SILENCE_MS',
    meaning:
      'milliseconds without a byte from Postgres, while a statement runs, after which a connection is closed unless Postgres still works on the statement',
    parse: wholeNumber(100, 600_000),
    fallback: '8000',
  },
  loopStallMs: {
    name: 'HOOKGRAPH_LOOP_STALL_MS',
    meaning:
      'milliseconds without progress after which a loop of the worker counts as stalled: /readyz answers 503, and a warning is logged',
    parse: wholeNumber(100, 600_000),
    fallback: '5000',
  },
  stopTimeoutMs: {
    name: 'HOOKGRAPH_STOP_TIMEOUT_MS',
    meaning: 'maximum milliseconds that a worker takes to stop; results that are not recorded by then are sent again',
    parse: wholeNumber(100, 600_000),
    fallback: '25000',
  },
  maxSubscriptionsPerTopic: {
    name: 'HOOKGRAPH_MAX_SUBSCRIPTIONS_PER_TOPIC',
    meaning: 'maximum number of subscriptions of one organization to one topic, including disabled ones; more that exist already stay',
    parse: wholeNumber(1, 100_000),
    fallback: '1000',
  },
};
