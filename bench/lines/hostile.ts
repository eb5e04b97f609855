// Measures how late an organization's notifications arrive while another organization's work is as costly as it is allowed to be.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createSubscription, type SubscriptionInput } from '../../src/webhooks/index.js';
import { type Line, type Metrics, quantile, type Variant } from '../frame.js';
import { startHookgraph } from '../processes.js';
import type { Database, Server } from '../server.js';
import { insertPeople, prepared, relayAll, subscribe } from '../world.js';

const EVENTS = 100;
const EVERY_MS = 50;
/** `first`: the hostile organization's rows at the start. `more`: rows that it adds every `everyMs` milliseconds during the measurement. */
const HOSTILE = { first: 200, more: 50, everyMs: 500 };
const ALIASES = Array.from({ length: 90 }, (_, index) => `a${index}: firstName`).join(' ');

interface Kind {
  /** The fields of the hostile organization's subscription; `null`: it has no subscription. */
  input: Partial<SubscriptionInput> | null;
  answer?(response: ServerResponse): void;
}

const KINDS: Record<string, Kind> = {
  quiet: { input: null },
  queries: { input: { query: `query ($nodeId: ID!) { node(id: $nodeId) { id } users(first: 100) { nodes { ${ALIASES} } } }` } },
  templates: { input: { template: '{"n": "{% for i in (1..3000) %}{{ i | times: i | modulo: 7 }}{% endfor %}"}' } },
  bodies: {
    input: { template: `{"n": "{% for i in (1..1900) %}${'n'.repeat(1000)}{% endfor %}"}` },
    answer: (response) => void setTimeout(() => response.end('ok'), 2000),
  },
  headers: {
    input: { headers: [{ name: 'X-Secret', value: 'a'.repeat(4000) }] },
    answer: (response) => void response.writeHead(200, { 'x-a': 'a'.repeat(60_000) }).end('a'.repeat(65_536)),
  },
};
const [QUIET, ...BESIDE] = Object.keys(KINDS) as [string, ...string[]];

export const hostile: Line = {
  key: 'hostile',
  title: 'Beside a hostile organization',
  method: `Milliseconds from the commit of a row until the receiver has its notification, for ${EVENTS} rows of an ordinary organization, one each ${EVERY_MS} ms, with one worker. Beside it another organization inserts ${HOSTILE.first} rows and then ${HOSTILE.more} each ${HOSTILE.everyMs} ms, with one subscription to a receiver of its own: its stored query fetches 9,000 fields, its template computes, its bodies have 1.9 MB and its receiver takes two seconds, or its receiver answers with 60 KB of headers and 64 KB that resemble its secret. The receiver runs in the process of the bench.`,
  async prepare(bench) {
    const variants: Variant[] = [];
    const sources: { drop(): Promise<void> }[] = [];
    for (const [name, kind] of Object.entries(KINDS)) {
      const receiver = await startReceiver(kind);
      const source = await prepared(bench.server, async (database, app) => {
        const { rows } = await database.pool.query(
          `SELECT u.id, o.id AS organization FROM organizations o JOIN users u ON u.organization_id = o.id AND u.admin WHERE o.permalink <> 'acme' LIMIT 1`,
        );
        const actor = { tenant: rows[0].organization, userId: rows[0].id, canManageWebhooks: true, token: null };
        const ordinary = { topic: { key: 'user/created' }, callbackUrl: receiver.url };
        const { problems } = await createSubscription(app.webhooks.engine, actor, ordinary);
        if (problems.length > 0) throw new Error(JSON.stringify(problems));
        if (kind.input) await subscribe(app, database, { ...kind.input, callbackUrl: receiver.hostileUrl });
        await relayAll(database);
      });
      sources.push({
        drop: async () => {
          receiver.close();
          await source.drop();
        },
      });
      const measureCopy = async () => {
        const database = await source.copy();
        try {
          return await measure(bench.server, database, receiver, kind);
        } finally {
          await database.drop();
        }
      };
      variants.push({ name, measure: measureCopy });
    }
    return {
      variants,
      bars: BESIDE.map((of) => ({ what: `p95 beside hostile ${of}`, metric: 'p95Ms', of, against: QUIET, atMost: 3 })),
      async close() {
        for (const source of sources) await source.drop();
      },
    };
  },
};

interface Receiver {
  url: string;
  hostileUrl: string;
  /** Resolves when the ordinary organization's next notification has arrived. */
  next(): Promise<void>;
  hostile(): number;
  close(): void;
}

/** Starts a receiver for each organization, because requests to one origin share its slots. */
async function startReceiver({ answer = (response) => void response.end('ok') }: Kind): Promise<Receiver> {
  let arrived: (() => void) | undefined;
  let hostileCount = 0;
  const ordinary = await listen((response) => {
    arrived?.();
    response.end('ok');
  });
  const hostile = await listen((response) => {
    hostileCount += 1;
    answer(response);
  });
  return {
    url: ordinary.url,
    hostileUrl: hostile.url,
    next: () =>
      new Promise((resolve) => {
        arrived = resolve;
      }),
    hostile: () => hostileCount,
    close() {
      ordinary.close();
      hostile.close();
    },
  };
}

async function listen(answer: (response: ServerResponse) => void): Promise<{ url: string; close(): void }> {
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function measure({ env }: Server, database: Database, receiver: Receiver, { input }: Kind): Promise<Metrics> {
  const worker = await startHookgraph('worker', { ...env, DATABASE_URL: database.url });
  const before = receiver.hostile();
  let isOver = false;
  const attack = async () => {
    for (let from = 1, count: number = HOSTILE.first; input && !isOver; from += count, count = HOSTILE.more) {
      await insertPeople(database, count, from);
      await wait(HOSTILE.everyMs);
    }
  };
  const latenciesMs: number[] = [];
  const attacking = attack();
  try {
    for (let n = 0; n < EVENTS; n++) {
      const arrived = receiver.next();
      await database.pool.query(
        `INSERT INTO users (organization_id, first_name, last_name) SELECT id, 'N', 'B' FROM organizations WHERE permalink <> 'acme' LIMIT 1`,
      );
      const committedMs = performance.now();
      await arrived;
      latenciesMs.push(performance.now() - committedMs);
      await wait(EVERY_MS);
    }
  } finally {
    isOver = true;
    await attacking;
    await worker.stop();
  }
  const hostileSent = receiver.hostile() - before;
  return { p50Ms: quantile(latenciesMs, 0.5), p95Ms: quantile(latenciesMs, 0.95), mostMs: Math.max(...latenciesMs), hostileSent };
}
