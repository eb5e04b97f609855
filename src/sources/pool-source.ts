// Reads nodes with plain SQL: gives resolvers a read-only pool with the limits of stored queries.
import type { Pool } from 'pg';
import { limitedReaderPool, openReadOnlyPool } from './limited-reader.js';
import type { OpenOptions, OpenSource, Source } from './source.js';

export interface PoolReader {
  /**
   * A read-only pool. Each statement waits until its tenant uses less than its fair share of connections, and is cancelled
   * at the time limit.
   * `connect()` returns no single connection, but an object with the methods that query builders need, which runs its
   * statements on the pool. So transactions are refused.
   */
  pool: Pool;
}

export const poolSource: Source<PoolReader> = { models: [], open };

function open({ connection, log, connections, queryTimeoutMs, silenceMs }: OpenOptions): OpenSource<PoolReader> {
  const pool = openReadOnlyPool(connection, { log, max: connections, statementTimeoutMs: queryTimeoutMs, silenceMs });
  return {
    pool,
    plain: { pool },
    reader: ({ reading }) => ({ pool: limitedReaderPool(pool, reading) }),
    faultOf: () => null,
    close: () => pool.end(),
  };
}
