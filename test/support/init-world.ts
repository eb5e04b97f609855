// Makes a database and an adopter's project in which `hookgraph init` runs, and loads the file that it writes.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, expect } from 'vitest';
import { loadApp } from '../../src/cli/adopter/load-app.js';
import { type InitOptions, init } from '../../src/cli/init/init.js';
import { createTerminal } from '../../src/cli/terminal.js';
import type { Hookgraph } from '../../src/index.js';
import { type TestDatabase, testDatabase } from './database.js';
import { type StrangerProject, strangerProject } from './stranger-project.js';

export const ROOT = join(import.meta.dirname, '../..');
const KEYS = Buffer.alloc(32, 7).toString('base64');

/** Environment variables that keep Prisma from downloading its engine. */
export const OFFLINE = { PRISMA_SCHEMA_ENGINE_BINARY: join(ROOT, 'scripts/schema-engine.mjs'), PRISMA_HIDE_UPDATE_MESSAGE: '1' };

export const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

export async function world(
  sql: string,
  files: Record<string, string> = {},
): Promise<{ database: TestDatabase; project: StrangerProject; env: Record<string, string> }> {
  const database = await testDatabase({ empty: true });
  const project = await strangerProject(files);
  opened.push(database, project);
  await database.pool.query(sql);
  return {
    database,
    project,
    env: {
      DATABASE_URL: database.url,
      HOOKGRAPH_ENCRYPTION_KEYS: KEYS,
      HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8',
      PATH: process.env.PATH ?? '',
      ...OFFLINE,
    },
  };
}

/** Runs `hookgraph init` for a person at a terminal who types the lines `typed`; without them, on a pipe. */
export async function runInit(
  { project, env }: { project: StrangerProject; env: Record<string, string> },
  options: InitOptions,
  typed?: string[],
) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let said = '';
  let asked = 0;
  stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (/\[(y\/N|\d+)\] $/.test(text)) stdin.write(`${typed?.[asked++] ?? ''}\r`);
  });
  const isTTY = typed !== undefined;
  const terminal = createTerminal({ stdin: Object.assign(stdin, { isTTY }), stdout, stderr }, { noColour: true });
  const failure = await init(options, { dir: project.dir, env, terminal }).catch((error) => error);
  return { said, failure, asked };
}

export const read = ({ dir }: StrangerProject, name = 'hookgraph.ts') => readFile(join(dir, name), 'utf8');

/** Loads the written file as the command line does and returns its exports. */
export async function load(
  { project, env }: { project: StrangerProject; env: Record<string, string> },
  name = 'hookgraph.ts',
): Promise<Hookgraph> {
  Object.assign(process.env, env, { LOG_LEVEL: 'error' });
  const hooks = await loadApp(join(project.dir, name));
  opened.push({
    close: async () => {
      await hooks.close();
      if (!hooks.pool.ended) await hooks.pool.end();
    },
  });
  return hooks;
}

export async function work(hooks: Hookgraph): Promise<void> {
  const worker = await hooks.work();
  opened.push({ close: () => worker.stop() });
}

export async function subscribe(hooks: Hookgraph, fields: string, headers: Record<string, string> = {}): Promise<void> {
  const mutation = `mutation { createWebhookSubscription(webhookSubscription: { ${fields} }) { errors { field message } webhookSubscription { id } } }`;
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: mutation }),
  };
  const { data, errors } = await (await hooks.handler(new Request('http://localhost/graphql', request))).json();
  expect(errors).toBeUndefined();
  expect(data.createWebhookSubscription.errors).toEqual([]);
}

/** The tables of examples/sql-only. */
export const TABLES = readFileSync(join(ROOT, 'examples/sql-only/tables.sql'), 'utf8');
