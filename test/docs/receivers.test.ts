// Runs the receivers of docs/receiving.md as written, in each language that this machine has.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replayEvents, resendDelivery, updateSubscription } from '../../src/webhooks/index.js';
import { signScope } from '../../src/webhooks/request/signatures/scope.js';
import { freePort, isListening } from '../support/cli.js';
import { OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

const page = readFileSync(new URL('../../docs/receiving.md', import.meta.url), 'utf8');
const programs = new Map(
  [...page.matchAll(/^```\w+ (receiver\.\w+)\n(.*?)\n```$/gms)].map(([, file, text]) => [file as string, text as string]),
);

interface Language {
  file: string;
  /** A command that exits with 0 when the language and its required modules are installed. */
  has: string[];
  run: (file: string, port: number) => string[];
}

const LANGUAGES: Language[] = [
  { file: 'receiver.mjs', has: [process.execPath, '--version'], run: (file) => [process.execPath, file] },
  { file: 'receiver.py', has: ['python3', '-c', 'import http.server'], run: (file) => ['python3', file] },
  { file: 'receiver.rb', has: ['ruby', '-ropenssl', '-rwebrick', '-e', '1'], run: (file) => ['ruby', file] },
  { file: 'receiver.php', has: ['php', '--version'], run: (file, port) => ['php', '-S', `127.0.0.1:${port}`, file] },
  { file: 'receiver.go', has: ['go', 'version'], run: (file) => ['go', 'run', file] },
];
const isThere = ({ has: [command = '', ...args] }: Language) => spawnSync(command, args).status === 0;

const SECRET = 'shhh, ünïcode';
const BODY = '{"name": "Zoë \\"Z\\" Müller"}';

let dir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-receiver-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (!child.pid || child.exitCode !== null) continue;
    const ended = once(child, 'exit');
    // Kills the process group, because `go run` starts a second process.
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
  await rm(dir, { recursive: true, force: true });
});

/** Starts a program of the page, and waits until it listens. */
async function start(language: Language): Promise<{ port: number; lines: () => string[] }> {
  const port = await freePort();
  const file = join(dir, language.file);
  await writeFile(file, programs.get(language.file) as string);
  const [command = '', ...args] = language.run(file, port);
  const env = { ...process.env, PORT: String(port), SHARED_SECRET: SECRET, TMPDIR: dir };
  const child = spawn(command, args, { env, cwd: dir, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.resume();
  await until(`${language.file} listens`, () => isListening(port));
  return { port, lines: () => output.split('\n').filter(Boolean) };
}

it('there is one for each language that the page promises', () => {
  expect([...programs.keys()].sort()).toEqual(LANGUAGES.map(({ file }) => file).sort());
});

for (const language of LANGUAGES)
  it.skipIf(!isThere(language))(`${language.file} takes what is signed, once, and refuses the rest`, async () => {
    const { port, lines } = await start(language);
    const send = async (event: string, secret: string, webhook = 'w', job = event) => {
      const headers = {
        'Content-Type': 'application/json',
        'X-Scope-Topic': 'user/created',
        'X-Scope-Webhook-Id': webhook,
        'X-Scope-Event-Id': event,
        'X-Scope-Webhook-Job-Id': job,
        'X-Scope-Hmac-Sha256': signScope(secret, Buffer.from(BODY)),
      };
      return (await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', headers, body: BODY })).status;
    };
    expect(await send('1', SECRET)).toBe(204);
    expect(await send('1', SECRET)).toBe(204);
    expect(await send('1', SECRET, 'w', 'job of a replay')).toBe(204);
    expect(await send('2', 'another secret')).toBe(401);
    expect(await send('1', SECRET, 'another webhook')).toBe(204);
    expect(await send('3', SECRET)).toBe(204);
    const unsigned = await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', body: BODY });
    expect(unsigned.status).toBe(401);
    await until('it said what it took', () => lines().length >= 3);
    expect(lines()).toEqual(Array(3).fill(`user/created ${BODY}`));
  });

it('an outage, a lost answer, two replays and a resend: each receiver takes each event exactly once', async () => {
  const world = await startEngineWorld();
  const receivers = await Promise.all(LANGUAGES.filter(isThere).map(start));
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
    for (const { port } of receivers)
      ids.push(await world.subscribe({ callbackUrl: `${world.receiver.url}/${port}`, sharedSecret: SECRET, retry: { maxTries: 1 } }));
    const all = (work: (id: string) => Promise<unknown>) => Promise.all(ids.map(work));
    const { engine } = world.webhooks;
    await world.work();
    const insert = async (name: string, state: string) => {
      await world.insertThings(name);
      await until(`${name} is ${state}`, async () => {
        const { rows } = await world.db.pool.query(
          `SELECT count(*)::int AS n FROM hookgraph.deliveries d JOIN hookgraph.events e ON e.id = d.event_id
           WHERE e.after ->> 'name' = $1 AND d.state = $2`,
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
