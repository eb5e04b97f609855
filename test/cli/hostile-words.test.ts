// Promise: no text of a server, a file or an argument controls the terminal, whichever command prints it. Walks every command.
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Cli } from '../../src/cli/command.js';
import { createProgram } from '../../src/cli/program.js';
import { visible, visibleJson } from '../../src/runtime/visible-text.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { insertDeliveries } from '../support/engine-rows.js';

/** Sequences for a link, a title, clearing the screen, a carriage return, C1, bidirectional controls, zero-width characters, a tag. */
const EVIL =
  'evil\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]0;t\x07\x1b[2J\r\x08\x7f\x85\x9b31m\u061c\u200b\u200d\u200e\u2028\u202e\u2066\ufeff\u00ad\u{e0041}';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches the characters that must not be printed.
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

let t: ServedApp;
let cli: CommandLine;
/** An API server in which an attacker has chosen every text. `refuses`: answers every request with an error. */
let hostile: { server: Server; url: string; refuses: boolean };
let args: Record<string, { args: string[]; env?: Record<string, string>; stdin?: string }>;

beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  hostile = { server: createServer(), url: '', refuses: false };
  hostile.server.on('request', async (request, response) => {
    const asked = JSON.stringify(
      JSON.parse((await text(request)) || '{}', (_key, value) => (typeof value === 'string' ? value.replaceAll(EVIL, '') : value)),
    );
    const isSchema = asked.includes('__schema');
    const answer = await fetch(`${t.api.url}${request.url}`, {
      method: request.method as string,
      headers: { authorization: `Token token=${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(request.method === 'POST' && { body: asked }),
    });
    const body = JSON.parse(await answer.text(), (key, value) =>
      typeof value === 'string' && !isSchema && key !== 'endCursor' ? value + EVIL : value,
    );
    response.end(JSON.stringify(hostile.refuses && !isSchema ? { errors: [{ message: EVIL }] } : body));
  });
  await new Promise<void>((resolve) => hostile.server.listen(0, '127.0.0.1', resolve));
  hostile.url = `http://127.0.0.1:${(hostile.server.address() as AddressInfo).port}`;
  cli = await commandLine({ HOOKGRAPH_URL: hostile.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN, NO_COLOR: '1' });
  args = await argumentsOfAll();
});
afterAll(async () => {
  hostile.server.closeAllConnections();
  hostile.server.close();
  await cli.close();
  await t.close();
});

/** Creates the objects that the commands print, and returns the arguments of each command. */
async function argumentsOfAll(): Promise<typeof args> {
  const input = {
    name: 'one',
    topic: { key: 'user/created' },
    callbackUrl: 'http://127.0.0.1:1025/',
    sharedSecret: 'hush',
    headers: [{ name: 'a', value: 'b' }],
  };
  const { webhookSubscription: one } = await t.value(
    'mutation ($input: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $input) { webhookSubscription { id databaseId } } }',
    { input },
  );
  await t.value(`mutation { testWebhookSubscription(id: "${one.id}") { errors { message } } }`).catch(() => null);
  await insertDeliveries(t.database.pool, one.databaseId, 1, { state: 'FAILED' });
  await t.value('mutation { resendWebhookDeliveries(input: {}) { errors { message } } }');
  const { nodes } = await t.value('{ webhookDeliveries(first: 1) { nodes { databaseId } } }');
  const delivery = String(nodes[0]?.databaseId ?? EVIL);
  const path = (file: string) => join(cli.dir, file);
  await writeFile(
    path('app.mjs'),
    `throw Object.assign(new Error(${JSON.stringify(EVIL)}), { name: 'RuntimeError', code: 'X', hint: ${JSON.stringify(EVIL)} });`,
  );
  await writeFile(
    path('hooks.yaml'),
    `name: ${JSON.stringify(`two${EVIL}`)}\ntopic: user/created\ncallbackUrl: "http://127.0.0.1:1025/"\ntemplate: ${JSON.stringify(EVIL)}\n`,
  );
  await writeFile(path('dump.json'), JSON.stringify(EVIL));
  const app = ['--app', path('app.mjs')];
  const name = `one${EVIL}`;
  return {
    init: { args: ['--database', 'postgres://127.0.0.1:1/x', '--schema', EVIL] },
    serve: { args: app },
    api: { args: app },
    worker: { args: app },
    migrate: { args: app },
    'create-organization': { args: [EVIL, '--admin', EVIL], env: { HOOKGRAPH_LOG_LEVEL: EVIL } },
    detach: { args: app },
    check: { args: app },
    demo: { args: ['--running'], env: { HOST: EVIL, HOOKGRAPH_ADMIN_TOKEN: 'x' } },
    simulate: { args: ['--url', hostile.url, '--token', 'x', '--rate', '1000/s'] },
    'rotate-keys': { args: [], env: { HOOKGRAPH_LOG_LEVEL: EVIL } },
    prune: { args: ['--before', EVIL] },
    audit: { args: ['--mine'] },
    retention: { args: [], env: { HOOKGRAPH_LOG_LEVEL: EVIL } },
    egress: { args: [] },
    config: { args: [], env: { HOST: EVIL } },
    doctor: { args: app },
    login: { args: ['--url', hostile.url], stdin: 'token' },
    logout: { args: [`--${EVIL}`] },
    whoami: { args: [] },
    'topics list': { args: [] },
    'webhooks list': { args: [] },
    'webhooks show': { args: [name] },
    'webhooks stats': { args: [name] },
    'webhooks versions': { args: [name] },
    'webhooks enable': { args: [name] },
    'webhooks disable': { args: [name] },
    'webhooks delete': { args: [name] },
    'webhooks rotate-secret': { args: [name, '--secret', 'hush'] },
    'webhooks create': { args: ['--name', EVIL, '--topic', 'user/created', '--url', 'http://127.0.0.1:1025/', '--template', EVIL] },
    'webhooks update': { args: [name, '--template', EVIL] },
    'webhooks test': { args: [name] },
    'webhooks preview': { args: [name, '--template', EVIL] },
    'webhooks rehearse': { args: [name, '--template', '{% nothing %}'] },
    'webhooks judge': { args: [name, '--error-template', EVIL] },
    forget: { args: [EVIL] },
    keep: { args: ['--bodies', EVIL] },
    'deliveries list': { args: [] },
    'deliveries show': { args: [delivery] },
    'deliveries after': { args: [name, '0'] },
    'deliveries resend': { args: ['--webhook', name] },
    'actions list': { args: [] },
    'actions cancel': { args: [EVIL] },
    resend: { args: [delivery] },
    release: { args: [name] },
    'events show': { args: [EVIL] },
    changes: { args: ['--after', EVIL, '--types', EVIL] },
    'errors list': { args: [] },
    'errors dismiss': { args: [EVIL] },
    replay: { args: [name] },
    snapshot: { args: [name] },
    'why-not': { args: [name] },
    plan: { args: [cli.dir] },
    apply: { args: [cli.dir] },
    pull: { args: [path('pulled'), '--force'] },
    listen: { args: ['--port', '1', '--host', EVIL, '--replay', path('dump.json')] },
    trigger: { args: [`user/created${EVIL}`, name] },
    schema: { args: [name] },
    completion: { args: [EVIL] },
  };
}

function leaves(command: Command, path: string[] = []): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path: path.join(' '), command }];
  return command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
}
const commands = leaves(createProgram({} as Cli)).filter(({ path }) => path !== 'complete');

/** Runs a command, and returns its output. Fails when the output contains a character that a terminal obeys or doesn't show. */
async function print(all: string[], options: { tty: boolean; env?: Record<string, string>; stdin?: string }): Promise<string> {
  const { stdout, stderr } = await cli.run(all, { signal: AbortSignal.abort(), ...options });
  // Removes the sequence by which the command line itself clears a line of progress.
  const printed = `${stdout}${stderr}`.replaceAll('\r\x1b[K', '');
  expect(printed.match(UNSEEN)?.[0].codePointAt(0)?.toString(16), `${all.join(' ')}:\n${JSON.stringify(printed)}`).toBeUndefined();
  return printed;
}

it.each(commands)('$path prints nothing that a terminal obeys', async ({ path, command }) => {
  const { args: given, ...options } = args[path] ?? { args: [] };
  const all = [...path.split(' '), ...given];
  const printed = [await print(all, { tty: true, ...options })];
  if (command.options.some(({ long }) => long === '--json')) printed.push(await print([...all, '--json'], { tty: false, ...options }));
  expect(printed.join()).toContain('evil');
});

it('neither errors of a server nor of the command line control the terminal', async () => {
  hostile.refuses = true;
  expect(await print(['topics', 'list'], { tty: true })).toContain('API_REFUSED: evil');
  hostile.refuses = false;
  for (const wrong of [
    ['topics', `list${EVIL}`],
    ['topics', 'list', `--${EVIL}`],
    ['topics', 'list', '--limit', EVIL],
  ])
    expect(await print(wrong, { tty: true })).toContain('evil');
});

it('keeps what belongs to an emoji or a script, and shows the rest', () => {
  const kept = '👩‍👩‍👧 ✔️ 1️⃣ 👍🏽 می‌خواهم क्‍ष Zoë\tMüller\nnaïve 日本';
  expect(visible(kept)).toBe(kept);
  expect(visible('a\u200db \u200dx 1\ufe0f \ud800 \u3164')).toBe('a\ufffdb \ufffdx 1\ufffd \ufffd \ufffd');
  expect(visible(EVIL)).not.toMatch(UNSEEN);
  expect([visibleJson(JSON.stringify(EVIL)).match(UNSEEN), JSON.parse(visibleJson(JSON.stringify(EVIL)))]).toEqual([null, EVIL]);
});

it('only terminal.ts prints', () => {
  const root = new URL('../../src/cli/', import.meta.url);
  /** Leaves out read-schema.ts, because it contains a script that prints in a child process. */
  const others = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.m?ts$/.test(file) && !['terminal.ts', 'init/read-schema.ts'].includes(file),
  );
  const printing = /\bconsole\s*[.[]|\bstd(?:out|err)\s*[.[]\s*['"]?write|process\.(?:_rawDebug|emitWarning)|writeSync\s*\(\s*[12]\b/;
  expect(['console.log(1)', 'process.stdout.write(x)', 'stderr.write(x)'].every((planted) => printing.test(planted))).toBe(true);
  expect(others.filter((file) => printing.test(readFileSync(new URL(file, root), 'utf8')))).toEqual([]);
});
