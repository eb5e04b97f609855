// Makes people, subscriptions, deliveries and receivers for the bench's databases.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { App } from '../src/cli/app.js';
import { createSubscription, type SubscriptionInput } from '../src/webhooks/index.js';
import { startProgram } from './processes.js';
import type { Order, Received } from './receiver.js';
import { type Database, openApp, type Server } from './server.js';

export interface Receiver {
  url: string;
  /** One URL for each origin of the receiver. */
  urls: string[];
  pid: number;
  /** Restarts the count; `done` resolves after `order.expect` requests. */
  expect(order: Order): Promise<{ done: Promise<Received> }>;
  /** Returns the requests received so far. */
  soFar(): Promise<Received>;
  stop(): Promise<void>;
}

/** @param origins the number of ports to listen on; each counts as a host of its own */
export async function startReceiver(origins = 1): Promise<Receiver> {
  const program = startProgram('./receiver.ts', { ORIGINS: String(origins) });
  const { ports } = await program.message<{ ports: number[] }>();
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  return {
    url: urls[0] as string,
    urls,
    pid: program.pid,
    async expect(order) {
      const ready = program.message<'ready'>();
      program.child.send(order);
      await ready;
      return { done: program.message<Received>() };
    },
    async soFar() {
      const told = program.message<Received>();
      program.child.send('tell');
      return told;
    },
    stop: () => program.stop('SIGKILL'),
  };
}

/** The organization of the sample data and its manager. */
export async function acme({ pool }: Database): Promise<{ tenant: string; userId: string }> {
  const { rows } = await pool.query(
    `SELECT u.id, u.organization_id FROM users u JOIN organizations o ON o.id = u.organization_id WHERE o.permalink = 'acme' AND u.admin ORDER BY u.created_at LIMIT 1`,
  );
  return { tenant: rows[0].organization_id, userId: rows[0].id };
}

/** Subscribes the admin to user/created, or to the topic in `input`; returns the subscription's id. */
export async function subscribe(
  app: App,
  database: Database,
  input: Partial<SubscriptionInput> & { callbackUrl: string },
): Promise<string> {
  const { tenant, userId } = await acme(database);
  const actor = { tenant, userId, canManageWebhooks: true, token: null };
  const { subscription, problems } = await createSubscription(app.webhooks.engine, actor, {
    topic: { key: 'user/created' },
    sharedSecret: 'a secret that is long enough',
    ...input,
  });
  if (!subscription) throw new Error(JSON.stringify(problems));
  return subscription.id;
}

/** The values of a person's columns, as SQL expressions over the number `n`. */
export const PERSON = `gen_random_uuid(), o.id, 'First' || n, 'Last' || n, 'user' || n, 'user' || n || '@acme.example', 'Technician'`;

/** A job title of about 2 KB that doesn't compress well, in place of 'Technician'. */
export const LONG_TITLE = "(SELECT string_agg(md5(n || '/' || i), '') FROM generate_series(1, 60) i)";

/** Inserts people into the sample organization by one statement; returns their keys. */
export async function insertPeople({ pool }: Database, count: number, from = 1, person = PERSON): Promise<string[]> {
  const { rows } = await pool.query(
    `INSERT INTO users (id, organization_id, first_name, last_name, username, email, job_title)
     SELECT ${person} FROM generate_series($1::int, $2::int) n, organizations o WHERE o.permalink = 'acme' RETURNING id`,
    [from, from + count - 1],
  );
  return rows.map((row) => row.id);
}

/** Relays everything in the queue, as a worker's relay does. */
export async function relayAll({ pool }: Database): Promise<void> {
  const { relayOnce } = await import('../src/webhooks/fan-out/relay.js');
  while ((await relayOnce(pool)).events > 0);
}

/** Vacuums and analyzes the database, so that it resembles a database that has been idle for a while. */
export async function settleDown({ pool }: Database): Promise<void> {
  await pool.query('VACUUM ANALYZE');
  await pool.query('CHECKPOINT');
}

/** Resolves when the first column of the query is true. */
export async function untilTrue({ pool }: Database, sql: string, everyMs = 5): Promise<void> {
  for (;;) {
    const { rows } = await pool.query({ text: sql, rowMode: 'array' });
    if (rows[0]?.[0] === true) return;
    await wait(everyMs);
  }
}

/** Prepares a database once and copies it for each measurement. */
export async function prepared(
  server: Server,
  prepare: (database: Database, app: App) => Promise<void>,
): Promise<{ copy(): Promise<Database>; drop(): Promise<void> }> {
  const source = await server.database();
  const app = await openApp(source.url, server.env);
  try {
    await prepare(source, app);
    await settleDown(source);
  } finally {
    await app.close();
  }
  await source.freeze();
  return { copy: () => server.database(source.name), drop: source.drop };
}

/** Removes capture from the table. Drops its triggers, because Postgres collects transition rows even for disabled triggers. */
export async function detachCapture({ pool }: Database, table = 'users'): Promise<void> {
  const { rows } = await pool.query(
    `SELECT tgname FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgname LIKE '%hookgraph%'`,
    [table],
  );
  for (const { tgname } of rows) await pool.query(`DROP TRIGGER ${pg.escapeIdentifier(tgname)} ON ${table}`);
}
