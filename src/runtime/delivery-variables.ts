// Lists the environment variables for the limits of stored queries and deliveries. Bounds and defaults of deliveries are those of
// webhooks/base/deadlines.ts, as a test checks.
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
}

export const DELIVERY_VARIABLES: { [K in keyof DeliveryConfig]: Variable<DeliveryConfig[K]> } = {
  queryMaxFields: {
    name: 'HOOKGRAPH_QUERY_MAX_FIELDS',
    meaning: 'greatest number of fields of a stored query, fragments expanded',
    parse: wholeNumber(1, 1_000_000),
    fallback: '1000',
  },
  queryMaxDepth: {
    name: 'HOOKGRAPH_QUERY_MAX_DEPTH',
    meaning: 'greatest depth of a stored query',
    parse: wholeNumber(1, 1000),
    fallback: '12',
  },
  queryMaxCost: {
    name: 'HOOKGRAPH_QUERY_MAX_COST',
    meaning: 'greatest cost of a stored query: its fields, each times the sizes of the pages and lists above it',
    parse: wholeNumber(1, 1_000_000_000),
    fallback: '25000',
  },
  queryTimeoutMs: {
    name: 'HOOKGRAPH_QUERY_TIMEOUT_MS',
    meaning: 'milliseconds that the statements of a stored query may take; waiting for a connection is not counted',
    parse: wholeNumber(1, 60_000),
    fallback: '5000',
  },
  requestTimeoutMs: {
    name: 'HOOKGRAPH_REQUEST_TIMEOUT_MS',
    meaning: 'milliseconds for a whole exchange with a receiver; the lease of a delivery is computed from it and from the time of a query',
    parse: wholeNumber(100, 60_000),
    fallback: '5000',
  },
  connectTimeoutMs: {
    name: 'HOOKGRAPH_CONNECT_TIMEOUT_MS',
    meaning: 'milliseconds of it for name lookup, connection and TLS; default: nine tenths of it',
    parse: wholeNumber(50, 60_000),
    fallback: ({ HOOKGRAPH_REQUEST_TIMEOUT_MS: requestMs }) => String(Math.floor(Number(requestMs) * 0.9)),
  },
  maxInProgress: {
    name: 'HOOKGRAPH_MAX_IN_PROGRESS',
    meaning: 'greatest number of deliveries in progress in one worker',
    parse: wholeNumber(1, 100_000),
    fallback: '3000',
  },
  maxPerSubscription: {
    name: 'HOOKGRAPH_MAX_PER_SUBSCRIPTION',
    meaning: 'greatest number of these of one subscription; default: 300, or all of them where they are fewer',
    parse: wholeNumber(1, 100_000),
    fallback: ({ HOOKGRAPH_MAX_IN_PROGRESS: inProgress }) => String(Math.min(300, Number(inProgress))),
  },
  maxPerOrigin: {
    name: 'HOOKGRAPH_MAX_PER_ORIGIN',
    meaning: 'greatest number of requests of one process to one origin at once',
    parse: wholeNumber(1, 10_000),
    fallback: '200',
  },
};
