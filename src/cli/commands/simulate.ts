// `hookgraph simulate`: changes sample data through a running API at a given rate, until Ctrl-C.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { API_PATH } from '../../runtime/api-path.js';
import { type Config, readConfig } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { normalizeUrl } from '../client.js';
import type { Cli } from '../command.js';
import { loadSample } from '../sample.js';

export interface SimulateOptions {
  /** The rate of changes, e.g. `2/s` or `30/min`. */
  rate: string;
  /** The API's URL. Default: the address in HOST and PORT. */
  url?: string;
  /** The API token. Default: the token of the sample organization's admin. */
  token?: string;
}

const REQUEST_TIMEOUT_MS = 30_000;

export async function simulate(options: SimulateOptions, { terminal, env, interrupted }: Cli): Promise<void> {
  const everyMs = readRate(options.rate);
  const { createSimulation } = await loadSample();
  const config = readConfig(env);
  const url = `${normalizeUrl(options.url ?? `http://${config.host}:${config.port}`)}${API_PATH}`;
  const ask = askingAt(url, options.token ?? (await readToken(config)));
  const signal = interrupted();
  const { viewer } = await ask('{ viewer { name organization { name } } }');
  terminal.say(`Changing data as ${viewer.name} of ${viewer.organization.name} at ${url}, ${options.rate}; press Ctrl-C to stop.`);
  const simulation = createSimulation({ ask, seed: Date.now() % 2 ** 31 });
  let count = 0;
  for (let dueAtMs = Date.now(); !signal.aborted; dueAtMs = Math.max(dueAtMs + everyMs, Date.now())) {
    await wait(Math.max(0, dueAtMs - Date.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const sentence = await simulation.act().catch((error: Error) => `failed: ${error.message}`);
    count += 1;
    terminal.say(`${new Date().toISOString()}  ${sentence}`);
  }
  terminal.say(`Made ${count} changes.`);
}

/** Milliseconds between two changes. @throws RuntimeError `RATE_INVALID` */
function readRate(rate: string): number {
  const [, times, unit = 's'] = /^(\d+(?:\.\d+)?)(?:\/(s|min|h))?$/.exec(rate) ?? [];
  const unitMs = { s: 1_000, min: 60_000, h: 3_600_000 }[unit] as number;
  if (!(Number(times) > 0) || unitMs / Number(times) < 1)
    throw new RuntimeError(
      'RATE_INVALID',
      `--rate is ${JSON.stringify(rate)}`,
      'Write a rate like 2/s, 30/min or 100/h; the maximum is 1000/s.',
    );
  return unitMs / Number(times);
}

async function readToken({ adminToken, dataDir }: Config): Promise<string> {
  const token = adminToken ?? (await readFile(join(dataDir, 'admin-token'), 'utf8').catch(() => null));
  if (token) return token;
  throw new RuntimeError('TOKEN_MISSING', 'No API token is configured', 'Pass --token, or set HOOKGRAPH_ADMIN_TOKEN.');
}

function askingAt(url: string, token: string) {
  return async (query: string, variables: Record<string, unknown> = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch((cause: Error) => {
      throw new RuntimeError('API_UNREACHABLE', `No server answers at ${url}`, 'Start Hookgraph with `npm start`, or pass --url.', {
        cause,
      });
    });
    // biome-ignore lint/suspicious/noExplicitAny: the type depends on the caller's query.
    const answer = (await response.json()) as { data?: any; errors?: { message: string }[] };
    const [error] = answer.errors ?? [];
    if (error)
      throw new RuntimeError(
        'API_REFUSED',
        `The API answered with status ${response.status}: ${error.message}`,
        'Check --url and --token.',
      );
    return answer.data;
  };
}
