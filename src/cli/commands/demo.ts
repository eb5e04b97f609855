// `hookgraph demo`: shows in the terminal how a notification is made, with sample data and a receiver inside this process.
// Deletes what it created.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi } from '../../api/index.js';
import { API_PATH } from '../../runtime/api-path.js';
import { type Environment, readConfig } from '../../runtime/config.js';
import { inUrl, loopbackAddress } from '../../runtime/loopback.js';
import { startWorker } from '../../worker/index.js';
import type { Cli } from '../command.js';
import { openInstallation } from '../installation.js';
import { loadSample } from '../sample.js';
import { makeSampleData } from '../sample-data.js';

export interface DemoOptions {
  /** Use the Hookgraph that is already running. The demo then leaves its deliveries and events in the database. */
  running: boolean;
}

export async function runDemo({ running }: DemoOptions, { terminal: { say }, env }: Pick<Cli, 'terminal' | 'env'>): Promise<void> {
  const startedAt = Date.now();
  const closing: Closing = [];
  const { runGuide } = await loadSample();
  try {
    const receiver = await startReceiver();
    closing.push(receiver.close);
    say(`\nA receiver listens at ${receiver.url}`);
    const product = running ? await findRunning(env) : await startTemporary(closing, say);
    say(`Hookgraph runs at ${product.url}${running ? '' : ', on a temporary database'}`);
    const ask = (query: string, variables = {}) => askProduct(product, query, variables);
    await runGuide({ ask, headerPrefix: product.headerPrefix, say, receiver, closing });
  } finally {
    for (const close of closing.reverse()) await close();
  }
  const seconds = Math.max(1, Math.round((Date.now() - startedAt) / 1000));
  const next = running ? '' : ' To try it yourself: npm start';
  say(`\nThe demo has removed everything that it created, after ${seconds} s.${next}`);
}

type Closing = (() => Promise<unknown>)[];

interface Product {
  url: string;
  token: string;
  headerPrefix: string;
}

async function startTemporary(closing: Closing, say: (line: string) => void): Promise<Product> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-demo-'));
  closing.push(() => rm(dataDir, { recursive: true, force: true }));
  const env = { HOOKGRAPH_DATA_DIR: dataDir, HOOKGRAPH_LOG_LEVEL: 'error', PORT: '0' };
  const installation = await openInstallation({ prepare: true, join: false, env, say });
  closing.push(installation.close);
  const token = (await makeSampleData(installation)) as string;
  const worker = await startWorker(installation.app);
  closing.push(worker.stop);
  const api = await startApi(installation.app, installation.config);
  closing.push(api.stop);
  return { url: api.url, token, headerPrefix: installation.config.headerPrefix };
}

async function findRunning(env: Environment): Promise<Product> {
  const config = readConfig(env);
  const url = config.port === 0 ? config.baseUrl : `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`;
  const token = config.adminToken ?? (await readFile(join(config.dataDir, 'admin-token'), 'utf8').catch(() => null));
  if (token === null)
    throw new Error(
      'The admin token of the running Hookgraph was not found: set HOOKGRAPH_ADMIN_TOKEN, or set HOOKGRAPH_DATA_DIR to its folder.',
    );
  await fetch(`${url}/readyz`).catch((cause) => {
    throw new Error(`No Hookgraph answers at ${url}: start it with \`npm start\`, or run the demo without --running.`, { cause });
  });
  return { url, token: token.trim(), headerPrefix: config.headerPrefix };
}

// biome-ignore lint/suspicious/noExplicitAny: the type depends on the caller's query.
async function askProduct({ url, token }: Product, query: string, variables: object): Promise<any> {
  const response = await fetch(`${url}${API_PATH}`, {
    method: 'POST',
    headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: { message: string }[] };
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  return data;
}

interface Receiver {
  url: string;
  requests: { headers: IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
}

async function startReceiver(): Promise<Receiver> {
  const requests: Receiver['requests'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, loopbackAddress(), resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://${inUrl(loopbackAddress())}:${(server.address() as AddressInfo).port}/hook`, requests, close };
}
