// A pool of connections to Postgres that opens few of them.
import pg from 'pg';

/** How many connections the pool opens without waiting. */
const FIRST = 2;
/** Milliseconds that a request for a connection waits for the return of another before the pool opens a further connection. */
const PATIENCE_MS = 50;

/**
 * Opens a further connection only when a request has waited for a while. The loops of a worker ask for ten connections at the same moment
 * and need each for milliseconds. But Postgres pays 50 to 100 ms of CPU for each: it starts a process, which reads the catalog.
 */
export class SparingPool extends pg.Pool {
  readonly #most: number;
  #patience: NodeJS.Timeout | undefined;

  constructor(config: pg.PoolConfig) {
    super(config);
    this.#most = this.options.max;
    this.options.max = Math.min(FIRST, this.#most);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the pool calls it with a callback, and others without.
  override connect(...callback: any[]): any {
    const connected = super.connect(...(callback as []));
    this.#waitPatiently();
    return connected;
  }

  #waitPatiently(): void {
    if (this.waitingCount === 0 || this.options.max >= this.#most) return;
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      if (this.waitingCount === 0 || this.ending) return;
      this.options.max += 1;
      // A returned connection goes to the request that has waited the longest.
      super.connect().then(
        (client) => client.release(),
        () => {},
      );
      this.#waitPatiently();
    }, PATIENCE_MS);
  }
}
