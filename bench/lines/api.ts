// Measures how often per second the API answers a page of a hundred people with two relations, compared with bare Prisma.
import { Pool } from 'undici';
import type { Line, Metrics, Variant } from '../frame.js';
import { cpuMs, startHookgraph, startProgram } from '../processes.js';
import { ADMIN_TOKEN } from '../server.js';
import { acme, insertPeople, prepared } from '../world.js';

const PEOPLE = 2000;
const FIRST = 100;
const CONNECTIONS = 8;
/** Milliseconds at the start in which requests aren't counted, so that compilation at the first requests isn't measured. */
const WARM_UP_MS = 3000;
const COUNTED_MS = 6000;

const QUERY = `query People($first: Int!) {
  users(first: $first) {
    nodes { id firstName lastName username email jobTitle admin createdAt organization { id name } originGroup { id name } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const api: Line = {
  key: 'api',
  title: 'GraphQL API: a page of 100 with two relations',
  method: `${FIRST} of ${PEOPLE.toLocaleString('en-US')} people with organization and group, over ${CONNECTIONS} kept-alive connections for ${COUNTED_MS / 1000} s. Hookgraph authenticates, measures and checks the query, applies its authorization, and answers \`nodes\` and \`pageInfo\`. The baseline is \`findMany\` with the same where, order, take and includes, and \`JSON.stringify\`, behind \`node:http\`. CPU is milliseconds per answer.`,
  async prepare({ server }) {
    const source = await prepared(server, async (database) => {
      await insertPeople(database, PEOPLE);
      await database.pool.query(
        `INSERT INTO groups (organization_id, name) SELECT o.id, 'Group ' || n FROM generate_series(1, 20) n, organizations o WHERE o.permalink = 'acme'`,
      );
      await database.pool.query(
        `UPDATE users u SET origin_group_id = g.id
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM groups WHERE organization_id = (SELECT id FROM organizations WHERE permalink = 'acme')) g
         WHERE u.organization_id = (SELECT id FROM organizations WHERE permalink = 'acme') AND g.place = 1 + abs(hashtext(u.id::text)) % 20`,
      );
    });
    const database = await source.copy();
    const { tenant } = await acme(database);
    const hookgraph = await startHookgraph('api', { ...server.env, DATABASE_URL: database.url });
    const baseline = startProgram('./baseline/prisma-api.ts', {
      DATABASE_URL: database.url,
      ORGANIZATION_ID: tenant,
      FIRST: String(FIRST),
    });
    const { port } = await baseline.message<{ port: number }>();
    const variants: (Variant & { answer(): Promise<Row[]> })[] = [
      variantOf('Hookgraph', {
        pid: hookgraph.pid,
        postgresPid: server.pid,
        origin: hookgraph.url,
        request: {
          path: '/api/v3/graphql',
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
          body: JSON.stringify({ query: QUERY, variables: { first: FIRST } }),
        },
        rowsOf: (answer) => answer.data.users.nodes,
      }),
      variantOf('bare Prisma', {
        pid: baseline.pid,
        postgresPid: server.pid,
        origin: `http://127.0.0.1:${port}`,
        request: { path: '/', method: 'GET' },
        rowsOf: (answer) => answer.users,
      }),
    ];
    await refuseUnlessSame(variants.map((variant) => variant.answer));
    return {
      variants,
      bars: [
        { what: 'requests a second, against bare Prisma', metric: 'perSecond', of: 'Hookgraph', against: 'bare Prisma', atLeast: 0.5 },
      ],
      async close() {
        await Promise.all([hookgraph.stop('SIGKILL'), baseline.stop('SIGKILL')]);
        await database.drop();
        await source.drop();
      },
    };
  },
};

interface Row {
  firstName: string;
  organization: { name: string };
  originGroup: { name: string } | null;
}

interface Asked {
  pid: number;
  postgresPid: number;
  origin: string;
  request: { path: string; method: 'GET' | 'POST'; headers?: Record<string, string>; body?: string };
  // biome-ignore lint/suspicious/noExplicitAny: the two APIs answer in different shapes, which are compared below
  rowsOf: (answer: any) => Row[];
}

function variantOf(name: string, { pid, postgresPid, origin, request, rowsOf }: Asked): Variant & { answer(): Promise<Row[]> } {
  return {
    name,
    measure: () => measure({ pid, postgresPid, origin, request }),
    async answer() {
      const pool = new Pool(origin);
      const { body } = await pool.request(request);
      const rows = rowsOf(await body.json());
      await pool.close();
      return rows;
    },
  };
}

/** Refuses to compare unless all variants answer the same hundred people in the same order. */
async function refuseUnlessSame(answers: (() => Promise<Row[]>)[]): Promise<void> {
  const told = await Promise.all(
    answers.map(async (answer) =>
      (await answer()).map(({ firstName, organization, originGroup }) => [firstName, organization.name, originGroup?.name]),
    ),
  );
  const [first, ...others] = told.map((rows) => JSON.stringify(rows));
  if (told[0]?.length !== FIRST || others.some((other) => other !== first)) throw new Error('The answers differ');
}

async function measure({ pid, postgresPid, origin, request }: Omit<Asked, 'rowsOf'>): Promise<Metrics> {
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  let answered = 0;
  let bytes = 0;
  let until = Date.now() + WARM_UP_MS;
  const ask = async () => {
    while (Date.now() < until) {
      const { statusCode, body } = await pool.request(request);
      bytes = (await body.arrayBuffer()).byteLength;
      if (statusCode !== 200) throw new Error(`${origin} answered ${statusCode}`);
      answered += 1;
    }
  };
  const askAll = () => Promise.all(Array.from({ length: CONNECTIONS }, ask));
  try {
    await askAll();
    answered = 0;
    const before = [cpuMs(pid), cpuMs(postgresPid)] as const;
    const startedAt = performance.now();
    until = Date.now() + COUNTED_MS;
    await askAll();
    const seconds = (performance.now() - startedAt) / 1000;
    return {
      perSecond: answered / seconds,
      apiCpu: (cpuMs(pid) - before[0]) / answered,
      postgresCpu: (cpuMs(postgresPid) - before[1]) / answered,
      kilobytes: bytes / 1000,
    };
  } finally {
    await pool.close();
  }
}
