// Runs the receivers of docs/receiving.md as written, in each language that this machine has.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { signScope } from '../../src/webhooks/request/signatures/scope.js';
import { freePort, isListening } from '../support/cli.js';
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
let child: ChildProcess | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-receiver-'));
});
afterEach(async () => {
  if (child?.pid && child.exitCode === null) {
    const ended = once(child, 'exit');
    // Kills the process group, because `go run` starts a second process.
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
  await rm(dir, { recursive: true, force: true });
});

it('there is one for each language that the page promises', () => {
  expect([...programs.keys()].sort()).toEqual(LANGUAGES.map(({ file }) => file).sort());
});

for (const language of LANGUAGES)
  it.skipIf(!isThere(language))(`${language.file} takes what is signed, once, and refuses the rest`, async () => {
    const port = await freePort();
    const file = join(dir, language.file);
    await writeFile(file, programs.get(language.file) as string);
    const [command = '', ...args] = language.run(file, port);
    const env = { ...process.env, PORT: String(port), SHARED_SECRET: SECRET, TMPDIR: dir };
    child = spawn(command, args, { env, cwd: dir, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr?.resume();
    await until(`${language.file} listens`, () => isListening(port));

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
    await until('it said what it took', () => output.split('user/created').length > 3);
    expect(output.split('\n').filter(Boolean)).toEqual(Array(3).fill(`user/created ${BODY}`));
  });
