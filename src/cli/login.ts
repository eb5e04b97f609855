// Finds the API's URL and token: HOOKGRAPH_URL and HOOKGRAPH_TOKEN, else the stored login, else the API on this
// machine.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Config, type Environment, readConfig } from '../runtime/config.js';
import { writePrivateFile } from '../runtime/private-file.js';
import { RuntimeError } from '../runtime/runtime-error.js';
import { readTerminalConfig } from '../runtime/terminal-config.js';
import { DEFAULT_HEADER, normalizeUrl } from './client.js';
import { localUrl } from './local-api.js';

export interface Login {
  url: string;
  token: string;
  /** The header that sends the token, such as `X-Api-Key: {token}`. */
  header: string;
}

export type Source = 'environment' | 'login' | 'this machine';

export function loginFile(env: Environment): string {
  return join(readTerminalConfig(env).configHome, 'hookgraph', 'login.json');
}

/** Stores the login in a file that only its owner can read. */
export async function saveLogin(env: Environment, login: Login): Promise<void> {
  const file = loginFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writePrivateFile(file, `${JSON.stringify(login, null, 2)}\n`);
}

async function readLogin(env: Environment): Promise<Login | null> {
  const file = loginFile(env);
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { url, token, header = DEFAULT_HEADER } = JSON.parse(text);
    if (typeof url === 'string' && typeof token === 'string' && typeof header === 'string') return { url, token, header };
  } catch {}
  throw new RuntimeError('LOGIN_UNREADABLE', `The login file ${file} is not valid`, 'Log in again with `hookgraph login`.');
}

/** Deletes the stored login, and returns whether there was one. */
export async function forgetLogin(env: Environment): Promise<boolean> {
  const existed = (await readFile(loginFile(env), 'utf8').catch(() => null)) !== null;
  await rm(loginFile(env), { force: true });
  return existed;
}

/**
 * Finds the URL and token to use, and where they come from. A stored token is only sent to the URL that it was stored for.
 * @throws RuntimeError `NOT_LOGGED_IN`
 */
export async function findLogin(env: Environment): Promise<Login & { source: Source }> {
  const config = readConfig(env);
  const saved = await readLogin(env);
  const local = await localUrl(config);
  const url = config.url === null ? null : normalizeUrl(config.url);
  const savedCounts = saved !== null && (url === null || url === saved.url);
  const header = config.authHeader ?? (savedCounts ? saved.header : DEFAULT_HEADER);
  if (config.token !== null) return { url: url ?? saved?.url ?? local, token: config.token, header, source: 'environment' };
  if (savedCounts) return { ...saved, header, source: 'login' };
  const token = url === null || url === local ? await localToken(config) : null;
  if (token !== null) return { url: local, token, header, source: 'this machine' };
  throw new RuntimeError(
    'NOT_LOGGED_IN',
    url === null ? 'You are not logged in, and this folder has no token of a local Hookgraph' : `You are not logged in at ${url}`,
    'Log in with `hookgraph login`, set HOOKGRAPH_TOKEN, or run `npm start` here first.',
  );
}

/** Returns the token of the sample organization's admin, if `npm start` ran with this data directory; else `null`. */
async function localToken({ adminToken, dataDir }: Config): Promise<string | null> {
  return adminToken ?? (await readFile(join(dataDir, 'admin-token'), 'utf8').catch(() => null))?.trim() ?? null;
}
