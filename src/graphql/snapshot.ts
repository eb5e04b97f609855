// Reads everything that one GraphQL query shows from one moment of the database.
import type { Pool, PoolClient } from 'pg';
import type { Execution } from '../runtime/fair-share.js';

/** Runs statements as a pool does. */
export type Reader = Pick<Pool, 'query'>;

/**
 * Returns a reader whose statements run one after the other in a read-only transaction, so that all see the same snapshot. The transaction
 * ends when no statement is left and none follows at once, so that slow resolvers of the host hold no connection. A later statement begins
 * another transaction.
 * @param share makes the transaction wait until the tenant uses less than its fair share of the connections; `null`: it doesn't wait
 */
export function createSnapshot(pool: Pool, share: Execution | null = null): Reader {
  const snapshot = new Snapshot(pool, share);
  return { query: (...args: unknown[]) => snapshot.query(args) } as unknown as Reader;
}

class Snapshot {
  private client: PoolClient | null = null;
  /** Settles when the last statement has ended. */
  private last: Promise<void> = Promise.resolve();
  /** Number of statements that haven't ended. */
  private open = 0;
  private ending: NodeJS.Immediate | undefined;

  /** Returns the connection to those that the tenants share. */
  private free: () => void = ignore;

  constructor(
    private readonly pool: Pool,
    private readonly share: Execution | null,
  ) {}

  query(args: unknown[]): Promise<unknown> {
    this.open += 1;
    clearImmediate(this.ending);
    const result = this.last.then(() => this.run(args));
    this.last = result.then(this.ended, this.ended);
    return result;
  }

  private async run(args: unknown[]): Promise<unknown> {
    if (this.client === null) {
      const client = await this.connect();
      client.on('error', ignore);
      // Isn't awaited, so that the first statement follows at once. If BEGIN fails on a broken connection, the statement fails, too.
      client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY').catch(ignore);
      this.client = client;
    }
    try {
      return await (this.client.query as (...args: unknown[]) => Promise<unknown>)(...args);
    } catch (error) {
      // A failed statement aborts its transaction, so the next statement begins another.
      this.end();
      throw error;
    }
  }

  private connect(): Promise<PoolClient> {
    const { share } = this;
    if (!share) return this.pool.connect();
    return new Promise((resolve, reject) => {
      const held = async () => {
        const freed = new Promise<void>((free) => {
          this.free = free;
        });
        resolve(await this.pool.connect());
        await freed;
      };
      share.run(held).catch(reject);
    });
  }

  private readonly ended = (): void => {
    this.open -= 1;
    // Waits, because data loaders may send further statements in this iteration of the event loop.
    if (this.open === 0) this.ending = setImmediate(() => this.end());
  };

  private end(): void {
    const { client, free } = this;
    this.client = null;
    client
      ?.query('ROLLBACK')
      .then(
        () => release(client),
        (error) => release(client, error),
      )
      .finally(free);
  }
}

/** Ignores errors of an idle connection: the next statement reports them. */
const ignore = () => {};

function release(client: PoolClient, error?: Error): void {
  client.off('error', ignore);
  client.release(error);
}
