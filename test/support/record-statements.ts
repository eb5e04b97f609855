// Records the statements that run on the connections of a pool.
import type { Pool, PoolClient } from 'pg';

/** Records the statements until `stop` is called, except BEGIN, COMMIT and ROLLBACK. */
export function recordStatements(pool: Pool): { statements: string[]; stop(): void } {
  const statements: string[] = [];
  const originals = new Map<PoolClient, PoolClient['query']>();
  const onAcquire = (client: PoolClient) => {
    if (originals.has(client)) return;
    const query = client.query;
    originals.set(client, query);
    client.query = ((...args: [string | { text: string }]) => {
      const text = typeof args[0] === 'string' ? args[0] : args[0].text;
      if (!/^(BEGIN|COMMIT|ROLLBACK)/.test(text)) statements.push(text);
      return (query as (...args: unknown[]) => unknown).apply(client, args);
    }) as PoolClient['query'];
  };
  pool.on('acquire', onAcquire);
  return {
    statements,
    stop() {
      pool.off('acquire', onAcquire);
      for (const [client, query] of originals) client.query = query;
    },
  };
}
