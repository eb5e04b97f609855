// Writes groups of two organizations in transactions that end in random order: by a commit or a rollback, some after PREPARE.
import type { PoolClient } from 'pg';
import { createRandom, pick, type Random } from '../chaos/random.js';
import type { TestApp } from './app.js';

const MOST_OPEN = 5;
const ONE = `(SELECT id FROM groups WHERE organization_id = $1 ORDER BY md5(id::text || $2) LIMIT 1 FOR UPDATE SKIP LOCKED)`;
const WRITES = [
  'INSERT INTO groups (organization_id, name) VALUES ($1, $2)',
  'INSERT INTO groups (organization_id, name) VALUES ($1, $2), ($1, $2)',
  `UPDATE groups SET name = $2 WHERE id = ${ONE}`,
  `UPDATE groups SET name = $2 WHERE id = ${ONE}`,
  `UPDATE groups SET id = gen_random_uuid(), name = $2 WHERE id = ${ONE}`,
  `WITH gone AS (DELETE FROM groups WHERE id = ${ONE} RETURNING id) SELECT count(*) FROM gone`,
  `UPDATE groups SET organization_id = CASE organization_id WHEN $3::uuid THEN $4::uuid ELSE $3::uuid END, name = $2 WHERE id = ${ONE}`,
];

/** Each step writes in an open or a new transaction, or ends a transaction. At most one transaction is prepared at a time. */
export class Writers {
  private readonly open: PoolClient[] = [];
  private prepared: string | null = null;
  private count = 0;
  private readonly random: Random;

  constructor(
    private readonly app: TestApp,
    seed: number,
  ) {
    this.random = createRandom(seed);
  }

  async step(): Promise<void> {
    const isEnding = this.open.length >= MOST_OPEN || (this.open.length > 0 && this.random(10) < 4);
    if (isEnding) await this.endOne();
    else await this.write();
  }

  private async write(): Promise<void> {
    const isNew = this.open.length === 0 || this.random(2) === 0;
    const client = isNew ? await this.app.database.pool.connect() : pick(this.random, this.open);
    if (isNew) {
      this.open.push(client);
      await client.query('BEGIN');
    }
    const { admin, stranger } = this.app;
    const organizations = [admin.organizationId, stranger.organizationId];
    const text = pick(this.random, WRITES);
    this.count += 1;
    const values = [organizations[this.random(5) > 0 ? 0 : 1], `written ${this.count}`, ...organizations];
    await client.query(text, values.slice(0, text.includes('$4') ? 4 : 2));
  }

  private async endOne(): Promise<void> {
    const [client] = this.open.splice(this.random(this.open.length), 1) as [PoolClient];
    const kind = this.random(5);
    if (kind === 0) await client.query('ROLLBACK');
    else if (kind === 1) {
      await this.endPrepared();
      this.prepared = `writers ${this.app.database.url} ${this.count}`;
      await client.query(`PREPARE TRANSACTION '${this.prepared}'`);
    } else await client.query('COMMIT');
    client.release();
  }

  private async endPrepared(): Promise<void> {
    const { prepared } = this;
    this.prepared = null;
    if (prepared !== null) await this.app.database.pool.query(`${this.random(3) > 0 ? 'COMMIT' : 'ROLLBACK'} PREPARED '${prepared}'`);
  }

  /** Ends all transactions. */
  async end(): Promise<void> {
    while (this.open.length > 0) await this.endOne();
    await this.endPrepared();
  }
}
