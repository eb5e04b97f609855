// Shares the API's public address between the processes of an installation: the API stores it, and workers read it.
import type { Pool } from 'pg';
import { type Config, type Environment, isConfigured } from '../runtime/config.js';
import { logFailure } from '../runtime/failure-log.js';
import type { Logger } from '../runtime/logger.js';
import { type ApiAddress, readApiAddress, storeApiAddress } from '../webhooks/index.js';
import type { App } from './app.js';

/** Milliseconds after which a worker reads the address again. */
const LOOK_MS = 10_000;

/** Returns this process's configured address; else the address that an API has stored; else the default address. */
export async function readAddress(pool: Pool, { baseUrl, domain }: ApiAddress, env?: Environment): Promise<ApiAddress> {
  const stored = isConfigured('baseUrl', env) ? null : await readApiAddress(pool);
  if (stored === null) return { baseUrl, domain };
  return { baseUrl: stored.baseUrl, domain: isConfigured('domain', env) ? domain : stored.domain };
}

/**
 * In an API, stores its address. In a worker without a configured address, reads the stored address repeatedly, because the API may start
 * later or with another address. Returns the function that stops this.
 */
export async function shareAddress(
  { app, config, log, postgres }: { app: Pick<App, 'pool' | 'moveTo'>; config: Config; log: Logger; postgres: object | null },
  { isApi, env, everyMs = LOOK_MS }: { isApi: boolean; env: Environment; everyMs?: number },
): Promise<() => void> {
  const isChosen = isConfigured('baseUrl', env);
  let current: ApiAddress = config;
  const warn = () => {
    if (postgres === null && isLocalUrl(current.baseUrl))
      log.warn({ baseUrl: current.baseUrl }, 'URLs in payloads begin with an address of this machine; set HOOKGRAPH_BASE_URL');
  };
  warn();
  // The default URL contains the configured port, and port 0 is a different port at each start.
  if (isApi && (isChosen || config.port !== 0)) await storeApiAddress(app.pool, config, { isConfigured: isChosen });
  if (isApi || isChosen) return () => {};
  const look = async () => {
    const next = await readAddress(app.pool, config, env);
    if (next.baseUrl === current.baseUrl && next.domain === current.domain) return;
    current = next;
    app.moveTo(next);
    log.info(next, 'the API has another address; URLs in payloads begin with it from now on');
    warn();
  };
  const timer = setInterval(() => void look().catch((error) => logFailure(log, error, 'reading the address of the API failed')), everyMs);
  return () => clearInterval(timer);
}

/** Whether only this machine can open the URL. */
export const isLocalUrl = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
