// Lists the environment variables for how long history is kept.
import { type Variable, wholeNumber } from './config-texts.js';

export interface HistoryConfig {
  /** Days for which history is kept; 0: without limit. */
  keepBodiesDays: number;
  keepAttemptsDays: number;
  keepErrorsDays: number;
  keepEventsDays: number;
  /** Gigabytes (10⁹ bytes) that history may take; 0: without limit. */
  keepGigabytes: number;
  /** The size of the database's disk in gigabytes; 0: unknown. */
  databaseDiskGigabytes: number;
}

export const HISTORY_VARIABLES: { [K in keyof HistoryConfig]: Variable<HistoryConfig[K]> } = {
  keepBodiesDays: {
    name: 'HOOKGRAPH_KEEP_BODIES_DAYS',
    meaning: 'days for which requests and responses of successful attempts are kept, with headers and bodies; 0: without limit',
    parse: wholeNumber(0, 36_500),
    fallback: '7',
  },
  keepAttemptsDays: {
    name: 'HOOKGRAPH_KEEP_ATTEMPTS_DAYS',
    meaning: 'days for which successful attempts are kept; they are deleted by whole weeks; 0: without limit',
    parse: wholeNumber(0, 36_500),
    fallback: '30',
  },
  keepErrorsDays: {
    name: 'HOOKGRAPH_KEEP_ERRORS_DAYS',
    meaning: 'days for which failed and held attempts are kept, with requests and responses; 0: without limit',
    parse: wholeNumber(0, 36_500),
    fallback: '90',
  },
  keepEventsDays: {
    name: 'HOOKGRAPH_KEEP_EVENTS_DAYS',
    meaning: 'days for which events and their ended deliveries are kept; 0: without limit',
    parse: wholeNumber(0, 36_500),
    fallback: '90',
  },
  keepGigabytes: {
    name: 'HOOKGRAPH_KEEP_GIGABYTES',
    meaning: 'gigabytes that events, deliveries, attempts and bodies may take together; beyond it the oldest are deleted; 0: without limit',
    parse: wholeNumber(0, 1_000_000),
    fallback: '0',
  },
  databaseDiskGigabytes: {
    name: 'HOOKGRAPH_DATABASE_DISK_GIGABYTES',
    meaning: "size of the disk of the database's server, from which `hookgraph doctor` computes when it is full; 0: unknown",
    parse: wholeNumber(0, 1_000_000),
    fallback: '0',
  },
};
