// Runs the receivers of docs/receiving.md and docs/receivers-for-scope.md as written, in each language that this machine has.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { replayEvents, resendDelivery, updateSubscription } from '../../src/webhooks/index.js';
import { signScope } from '../../src/webhooks/request/signatures/scope.js';
import { standardWebhooks } from '../../src/webhooks/request/signatures/standard-webhooks.js';
import { freePort, isListening } from '../support/cli.js';
import { OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

interface Language {
  extension: string;
  /** A command that exits with 0 when the language and its required modules are installed. */
  has: string[];
  run: (file: string, port: number) => string[];
}

const LANGUAGES: Language[] = [
  { extension: 'mjs', has: [process.execPath, '--version'], run: (file) => [process.execPath, file] },
  { extension: 'py', has: ['python3', '-c', 'import http.server'], run: (file) => ['python3', file] },
  { extension: 'rb', has: ['ruby', '-ropenssl', '-rwebrick', '-e', '1'], run: (file) => ['ruby', file] },
  { extension: 'php', has: ['php', '--version'], run: (file, port) => ['php', '-S', `127.0.0.1:${port}`, file] },
  { extension: 'go', has: ['go', 'version'], run: (file) => ['go', 'run', file] },
];
const isThere = ({ has: [command = '', ...args] }: Language) => spawnSync(command, args).status === 0;
const there = LANGUAGES.filter(isThere);

const BODY = '{"name": "Zoë \\"Z\\" Müller"}';

interface Sent {
  webhook: string;
  event: string;
  job: string;
  secret: string;
  at?: Date;
}

interface Page {
  page: string;
  /** The name of the programs, without the extension. */
  name: string;
  scheme: 'SCOPE' | 'STANDARD_WEBHOOKS';
  secret: string;
  otherSecret: string;
  sign(sent: Sent): Record<string, string>;
}

const PAGES: Page[] = [
  {
    page: 'receiving.md',
    name: 'receiver',
    scheme: 'STANDARD_WEBHOOKS',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    otherSecret: `whsec_${Buffer.alloc(32).toString('base64')}`,
    sign: ({ webhook, event, secret, at = new Date() }) => {
      const made = { messageId: `${webhook}-${event}`, at, body: Buffer.from(BODY) };
      // Puts invalid signatures first, because the receiver must look at all signatures of the header.
      const signed = standardWebhooks.sign(made as never, [secret]) as Record<string, string>;
      return { ...signed, 'webhook-signature': `v1a,AAAA v1,AAAA ${signed['webhook-signature']}` };
    },
  },
  {
    page: 'receivers-for-scope.md',
    name: 'scope',
    scheme: 'SCOPE',
    secret: 'shhh, ünïcode',
    otherSecret: 'another secret',
    sign: ({ secret }) => ({ 'X-Scope-Hmac-Sha256': signScope(secret, Buffer.from(BODY)) }),
  },
];

const programsOf = ({ page }: Page) =>
  new Map(
    [...readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8').matchAll(/^```\w+ (\w+\.\w+)\n(.*?)\n```$/gms)].map(
      ([, file, text]) => [file as string, text as string],
    ),
  );

interface Started {
  page: Page;
  port: number;
  /** Returns the lines that the program has written since the last call of `forget`. */
  lines(): string[];
  forget(): void;
}

let dir: string;
const children: ChildProcess[] = [];
const started = new Map<string, Started>();
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-receiver-'));
  await Promise.all(PAGES.flatMap((page) => there.map((language) => start(page, language))));
});
afterAll(async () => {
  for (const child of children.splice(0)) {
    if (!child.pid || child.exitCode !== null) continue;
    const ended = once(child, 'exit');
    // Kills the process group, because `go run` starts a second process.
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
  await rm(dir, { recursive: true, force: true });
});

/** Starts a program of a page, and waits until it listens. */
async function start(page: Page, language: Language): Promise<void> {
  const port = await freePort();
  const name = `${page.name}.${language.extension}`;
  const file = join(dir, name);
  await writeFile(file, programsOf(page).get(name) as string);
  const [command = '', ...args] = language.run(file, port);
  const env = { ...process.env, PORT: String(port), SHARED_SECRET: page.secret, TMPDIR: dir };
  const child = spawn(command, args, { env, cwd: dir, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.resume();
  await until(`${name} listens`, () => isListening(port));
  const lines = () => output.split('\n').filter(Boolean);
  started.set(name, {
    page,
    port,
    lines,
    forget: () => {
      output = '';
    },
  });
}

it.each(PAGES)('$page has one for each language', (page) => {
  expect([...programsOf(page).keys()].sort()).toEqual(LANGUAGES.map(({ extension }) => `${page.name}.${extension}`).sort());
});

for (const page of PAGES)
  for (const language of LANGUAGES) {
    const file = `${page.name}.${language.extension}`;
    it.skipIf(!there.includes(language))(`${file} takes what is signed, once, and refuses the rest`, async () => {
      const { port, lines, forget } = started.get(file) as Started;
      const { secret, otherSecret } = page;
      const send = async (given: Partial<Sent> & { event: string }, body = BODY) => {
        const sent = { webhook: 'w', job: given.event, secret, ...given };
        const headers = {
          'Content-Type': 'application/json',
          'X-Scope-Topic': 'user/created',
          'X-Scope-Webhook-Id': sent.webhook,
          'X-Scope-Event-Id': sent.event,
          'X-Scope-Webhook-Job-Id': sent.job,
          ...page.sign(sent),
        };
        return (await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', headers, body })).status;
      };
      expect(await send({ event: '1' })).toBe(204);
      expect(await send({ event: '1' })).toBe(204);
      expect(await send({ event: '1', job: 'job of a replay' })).toBe(204);
      expect(await send({ event: '2', secret: otherSecret })).toBe(401);
      expect(await send({ event: '2' }, BODY.replace('Zoë', 'Eve'))).toBe(401);
      if (page.scheme === 'STANDARD_WEBHOOKS')
        for (const at of [Date.now() - 3_600_000, Date.now() + 3_600_000]) expect(await send({ event: '2', at: new Date(at) })).toBe(401);
      expect(await send({ event: '1', webhook: 'another webhook' })).toBe(204);
      expect(await send({ event: '3' })).toBe(204);
      const unsigned = await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', body: BODY });
      expect(unsigned.status).toBe(401);
      await until('it said what it took', () => lines().length >= 3);
      expect(lines()).toEqual(Array(3).fill(`user/created ${BODY}`));
      forget();
    });
  }

it('an outage, a lost answer, two replays and a resend: each receiver takes each event exactly once', async () => {
  const world = await startEngineWorld();
  const receivers = [...started.values()];
  let mode: 'PASS' | 'REFUSE' | 'LOSE_ANSWER' = 'PASS';
  let passed = 0;
  world.receiver.answer = async (response, { path, headers, body }) => {
    const { host: _host, connection: _connection, ...sent } = headers;
    if (mode !== 'REFUSE')
      await fetch(`http://127.0.0.1:${path.slice(1)}/`, { method: 'POST', headers: sent as Record<string, string>, body });
    if (mode === 'PASS') passed += 1;
    response.writeHead(mode === 'PASS' ? 204 : 500).end();
  };
  try {
    const ids: string[] = [];
    for (const { port, page } of receivers) {
      const signing = { sharedSecret: page.secret, signatures: [page.scheme] };
      ids.push(await world.subscribe({ callbackUrl: `${world.receiver.url}/${port}`, ...signing, retry: { maxTries: 1 } }));
    }
    const all = (work: (id: string) => Promise<unknown>) => Promise.all(ids.map(work));
    const { engine } = world.webhooks;
    await world.work();
    const insert = async (name: string, state: string) => {
      await world.insertThings(name);
      await until(`${name} is ${state}`, async () => {
        const { rows } = await world.db.pool.query(
          `SELECT count(*)::int AS n FROM hookgraph.deliveries d JOIN hookgraph.events e ON e.id = d.event_id
           WHERE hookgraph.row_of(e.layout_id, e.after) ->> 'name' = $1 AND d.state = $2`,
          [name, state],
        );
        return rows[0].n === ids.length;
      });
    };
    const sent = async (count: number, what: string) => {
      const before = passed;
      return () => until(what, () => passed === before + count * ids.length);
    };
    await insert('one', 'DELIVERED');
    mode = 'LOSE_ANSWER';
    await insert('two', 'FAILED');
    mode = 'REFUSE';
    await insert('three', 'FAILED');
    await all((id) => updateSubscription(engine, OWNER, id, { disabled: true }));
    await insert('four', 'SKIPPED');
    mode = 'PASS';
    await all((id) => updateSubscription(engine, OWNER, id, { disabled: false }));
    const missed = await sent(3, 'what was missed is sent');
    await all((id) => replayEvents(engine, OWNER, id, { from: null, to: null, includesDelivered: false }));
    await missed();
    const again = await sent(4, 'everything is sent again');
    await all((id) => replayEvents(engine, OWNER, id, { from: null, to: null, includesDelivered: true }));
    await again();
    const { rows } = await world.db.pool.query(`SELECT id FROM hookgraph.deliveries WHERE kind = 'LIVE' AND state = 'DELIVERED'`);
    const resent = await sent(1, 'the first notification is resent');
    await Promise.all(rows.map(({ id }) => resendDelivery(engine, OWNER, id)));
    await resent();
    const once = ['one', 'two', 'three', 'four'].map((name) => `thing/created {"data":{"node":{"name":"${name}"}}}`).sort();
    for (const { lines } of receivers) {
      await until('it said what it took', () => lines().length >= once.length);
      expect(lines().sort()).toEqual(once);
    }
  } finally {
    await world.close();
  }
});
