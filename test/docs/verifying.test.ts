// Runs the receivers of docs/verifying.md as written, with an installed hookgraph that contains only its verify entry point.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Scheme } from '../../src/verify/index.js';
import { freePort, isListening } from '../support/cli.js';
import { signedRequest } from '../support/signed-request.js';
import { until } from '../support/until.js';

const ROOT = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/verifying.md'), 'utf8');
const programs = new Map([...page.matchAll(/^```js (\w+\.mjs)\n(.*?)\n```$/gms)].map(([, file, text]) => [file as string, text as string]));

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BODY = '{"name": "Zoë \\"Z\\" Müller"}';
const RECEIVERS: { file: string; scheme: Scheme; needs: string[] }[] = [
  { file: 'node.mjs', scheme: 'SCOPE', needs: [] },
  { file: 'express.mjs', scheme: 'STANDARD_WEBHOOKS', needs: ['express'] },
  { file: 'fastify.mjs', scheme: 'UP42', needs: ['fastify'] },
  { file: 'hono.mjs', scheme: 'SCALR', needs: ['hono', '@hono/node-server'] },
  { file: 'next.mjs', scheme: 'HTTP_MESSAGE_SIGNATURES', needs: ['@hono/node-server'] },
];

/** Calls the route handler with a Request and sends the Response that it returns, as Next.js does. */
const AS_NEXT_DOES = `import { serve } from '@hono/node-server';
import { POST } from './next.mjs';
serve({ fetch: POST, port: Number(process.env.PORT), hostname: '127.0.0.1' });
`;

let dir: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-verifying-'));
  const installed = join(dir, 'hookgraph');
  await mkdir(join(installed, 'dist/verify'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(installed, 'package.json'));
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  for (const file of readdirSync(join(ROOT, 'src/verify'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, 'src/verify', file), 'utf8'), { compilerOptions: options });
    await writeFile(join(installed, 'dist/verify', file.replace(/\.ts$/, '.js')), outputText);
  }
});
afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  await rm(dir, { recursive: true, force: true });
});

it('there is one for each framework that the page promises', () => {
  expect([...programs.keys()].sort()).toEqual(RECEIVERS.map(({ file }) => file).sort());
});

it.each(RECEIVERS)('$file takes what is signed by $scheme and refuses the rest', async ({ file, scheme, needs }) => {
  const home = join(dir, file.replace('.mjs', ''));
  for (const [name, target] of [['hookgraph', join(dir, 'hookgraph')], ...needs.map((need) => [need, join(ROOT, 'node_modules', need)])]) {
    const place = join(home, 'node_modules', name as string);
    await mkdir(resolve(place, '..'), { recursive: true });
    await symlink(target as string, place);
  }
  await writeFile(join(home, file), programs.get(file) as string);
  await writeFile(join(home, 'serve.mjs'), AS_NEXT_DOES);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/hook`;
  const env = { PATH: process.env.PATH, PORT: String(port), SHARED_SECRET: SECRET, CALLBACK_URL: url };
  const child = spawn(process.execPath, [file === 'next.mjs' ? 'serve.mjs' : file], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  await until(`${file} listens`, () => {
    if (child.exitCode !== null) throw new Error(output);
    return isListening(port);
  });

  const send = async (over: { secret?: string; at?: Date; altered?: string; unsigned?: true }) => {
    const { headers, body } = signedRequest([scheme], { secret: SECRET, url, body: BODY, ...over });
    const sent = over.unsigned ? { 'content-type': 'application/json' } : headers;
    return (await fetch(url, { method: 'POST', headers: sent, body: over.altered ?? new Uint8Array(body) })).status;
  };
  expect(await send({})).toBe(204);
  expect(await send({ secret: `whsec_${Buffer.alloc(32).toString('base64')}` })).toBe(401);
  expect(await send({ altered: BODY.replace('{', '{ ') })).toBe(401);
  expect(await send({ at: new Date(Date.now() - 310_000) })).toBe(401);
  expect(await send({ unsigned: true })).toBe(401);
  await until('it said what it took', () => output.includes('\n'));
  expect(output).toBe('user/created {"name":"Zoë \\"Z\\" Müller"}\n');
});
