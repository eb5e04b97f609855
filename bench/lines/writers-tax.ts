// Measures what a write costs on the same table with and without capture.
import pg from 'pg';
import { pino } from 'pino';
import { prepareCapture } from '../../src/webhooks/capture/prepare-capture.js';
import type { AnnouncedNode } from '../../src/webhooks/index.js';
import { type Line, type Metrics, median } from '../frame.js';
import { type Database, openApp } from '../server.js';
import { acme, detachCapture, PERSON, settleDown } from '../world.js';

const FOR_MS = { one: 3000, eight: 3000 };
const STATEMENTS = 20;
const WITH = 'with capture';
const WITHOUT = 'without';

/** A minimal table: three columns and one index. */
const BARE: AnnouncedNode = {
  typename: 'Bare',
  table: { schema: 'public', name: 'bare' },
  key: ['id'],
  columns: { id: 'id', name: 'name' },
  tenant: { column: 'tenant' },
};

export const writersTax: Line = {
  key: 'writers-tax',
  title: 'What a write pays for being captured',
  method: `The same tables of the same database, with their triggers attached and dropped in turn. Postgres runs as the product starts it, so each commit waits for the disk. \`users\` of the sample domain has 14 columns, six indexes and two foreign keys. \`oneUs\` and \`eightUs\`: microseconds per single-row INSERT, prepared, each its own transaction, from 1 client for ${FOR_MS.one} ms and from 8 for ${FOR_MS.eight} ms. \`thousandMs\`: milliseconds of an INSERT of 1,000 rows, the median of ${STATEMENTS}. \`bareThousandMs\`: the same into a table of three columns with only its primary key, without a bar. No worker runs.`,
  async prepare(bench) {
    const database = await bench.server.database();
    await database.pool.query('CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant text NOT NULL, name text)');
    const app = await openApp(database.url, bench.server.env);
    const { nodes } = app.webhooks.engine.host;
    await app.close();
    const attach = () => prepareCapture(database.pool, [...nodes, BARE], pino({ level: 'silent' }));
    await attach();
    const { tenant } = await acme(database);
    const people = createPeople(database, tenant);
    const bars = {
      oneUs: ['single rows, 1 client', 1.4],
      eightUs: ['single rows, 8 clients', 1.6],
      thousandMs: ['1,000 rows at once', 2.5],
    } as const;
    return {
      variants: [
        {
          name: WITH,
          measure: async () => {
            await attach();
            return people.measure();
          },
        },
        {
          name: WITHOUT,
          measure: async () => {
            for (const table of ['users', 'bare']) await detachCapture(database, table);
            return people.measure();
          },
        },
      ],
      bars: Object.entries(bars).map(([metric, [what, atMost]]) => ({ what, metric, of: WITH, against: WITHOUT, atMost })),
      close: () => database.drop(),
    };
  },
};

function createPeople(database: Database, tenant: string): { measure(): Promise<Metrics> } {
  const { pool, url } = database;
  let n = 0;

  async function single(clientCount: number, forMs: number): Promise<number> {
    const clients = Array.from({ length: clientCount }, () => new pg.Client({ connectionString: url }));
    await Promise.all(clients.map((client) => client.connect()));
    const insert = (client: pg.Client) => {
      n += 1;
      return client.query({
        name: 'single',
        text: `INSERT INTO users (organization_id, first_name, last_name, username, email, job_title) VALUES ($1, $2, $3, $4, $5, 'Technician')`,
        values: [tenant, `First${n}`, `Last${n}`, `user${n}`, `user${n}@acme.example`],
      });
    };
    await Promise.all(clients.map(insert));
    let count = 0;
    const startedAt = performance.now();
    await Promise.all(
      clients.map(async (client) => {
        for (; performance.now() < startedAt + forMs; count += 1) await insert(client);
      }),
    );
    const usEach = ((performance.now() - startedAt) * 1000) / count;
    await Promise.all(clients.map((client) => client.end()));
    return usEach;
  }

  async function thousands(sql: string): Promise<number> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const tookMs: number[] = [];
    for (let i = 0; i <= STATEMENTS; i++) {
      const startedAt = performance.now();
      await client.query({ name: 'thousand', text: sql, values: [n + 1, n + 1000] });
      if (i > 0) tookMs.push(performance.now() - startedAt);
      n += 1000;
    }
    await client.end();
    return median(tookMs);
  }

  return {
    async measure() {
      const found = {
        oneUs: await single(1, FOR_MS.one),
        eightUs: await single(8, FOR_MS.eight),
        thousandMs: await thousands(
          `INSERT INTO users (id, organization_id, first_name, last_name, username, email, job_title)
           SELECT ${PERSON} FROM generate_series($1::int, $2::int) n, organizations o WHERE o.permalink = 'acme'`,
        ),
        bareThousandMs: await thousands(
          `INSERT INTO bare (tenant, name) SELECT 'acme', 'Name ' || n FROM generate_series($1::int, $2::int) n`,
        ),
      };
      await pool.query(`BEGIN; SET LOCAL hookgraph.capture = off; DELETE FROM users WHERE job_title = 'Technician' AND NOT admin AND username LIKE 'user%';
        TRUNCATE bare; TRUNCATE hookgraph.captures; COMMIT`);
      await settleDown(database);
      return found;
    },
  };
}
