// Reads nodes by plain SQL: hands resolvers a read-only pool with the limits of stored queries.
import type { Pool } from 'pg';
import { fencedPool, openReadOnlyPool } from './limited-reader.js';
import type { OpenOptions, OpenSource, Source } from './source.js';

export interface PoolReader {
  /**
   * Read-only; each statement waits for its tenant's turn and ends at the time limit. `connect()` answers a stand-in for a client, so that
   * query builders work; a transaction needs a connection of its own and is refused.
   */
  pool: Pool;
}

export const poolSource: Source<PoolReader> = { models: [], open };

function open({ connection, log, connections, queryTimeoutMs }: OpenOptions): OpenSource<PoolReader> {
  const pool = openReadOnlyPool(connection, { log, max: connections, statementTimeoutMs: queryTimeoutMs });
  return {
    pool,
    plain: { pool },
    reader: ({ reading }) => ({ pool: fencedPool(pool, reading) }),
    faultOf: () => null,
    close: () => pool.end(),
  };
}
