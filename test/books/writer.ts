// Writes rows of the table `things`, with at most one open or prepared transaction.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** The things that ended transactions inserted and didn't change again. */
export interface Ended {
  committed: Set<string>;
  rolledBack: Set<string>;
}

export class Writer {
  #client: pg.PoolClient | null = null;
  /** The name of the prepared transaction that this writer has to end first; `null` when there is none. */
  #prepared: string | null = null;
  #inserted = new Set<string>();

  constructor(
    private readonly pool: pg.Pool,
    private readonly ended: Ended,
  ) {}

  async insert(): Promise<void> {
    const client = await this.#open();
    const inserted = await client?.query(`INSERT INTO public.things (org, name) VALUES ('org', 'a') RETURNING id::text`);
    for (const { id } of inserted?.rows ?? []) this.#inserted.add(id);
  }

  /** Changes the oldest thing that no other writer has locked. */
  async change(sql: string): Promise<void> {
    const client = await this.#open();
    const changed = await client?.query(
      `${sql} WHERE id = (SELECT id FROM public.things ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id::text`,
    );
    // Forgets these things, because several changes of a row by one transaction may become one event, or none.
    for (const { id } of changed?.rows ?? []) this.#inserted.delete(id);
  }

  async prepare(): Promise<void> {
    if (!this.#client) return;
    const name = randomUUID();
    await this.#client.query(`PREPARE TRANSACTION '${name}'`);
    this.#client.release();
    this.#client = null;
    this.#prepared = name;
  }

  async finish(end: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (this.#prepared !== null) await this.pool.query(`${end} PREPARED '${this.#prepared}'`);
    else if (this.#client) await this.#client.query(end);
    else return;
    this.#client?.release();
    this.#note(end);
  }

  /** Drops the connection, which has ended. A prepared transaction stays. */
  lose(): void {
    if (!this.#client) return;
    this.#client.release(true);
    this.#note('ROLLBACK');
  }

  async close(): Promise<void> {
    this.lose();
    if (this.#prepared !== null) await this.finish('ROLLBACK');
  }

  async #open(): Promise<pg.PoolClient | null> {
    if (this.#prepared !== null || this.#client) return this.#client;
    this.#client = await this.pool.connect();
    await this.#client.query('BEGIN');
    return this.#client;
  }

  #note(end: 'COMMIT' | 'ROLLBACK'): void {
    const ended = end === 'COMMIT' ? this.ended.committed : this.ended.rolledBack;
    for (const id of this.#inserted) ended.add(id);
    this.#client = null;
    this.#prepared = null;
    this.#inserted = new Set();
  }
}
