// Writes the text that `npm start` prints when the API is up: the URLs, the token, and two commands that show a notification.

import { join, relative, resolve } from 'node:path';
import { API_PATH, CONSOLE_PATH } from '../runtime/api-path.js';
import type { Config } from '../runtime/config.js';
import type { App } from './app.js';
import { quoted } from './quoted.js';

export interface Welcome {
  url: string;
  config: Config;
  /** The admin's token; `null` when it isn't known here. */
  token: string | null;
  embedded: boolean;
  first: App['first'];
}

export function welcome({ url, config, token, embedded, first }: Welcome): string {
  const endpoint = `${url}${API_PATH}`;
  const lines = [`Console   ${url}${CONSOLE_PATH}`, `API       ${endpoint}`, `Explorer  ${endpoint}/explorer`];
  if (token) lines.push(`Token     ${token}`);
  if (embedded) lines.push(`Database  psql "$(cat ${quoted(join(relative(process.cwd(), config.dataDir), 'database-url'))})"`);
  lines.push(
    '',
    'To see a notification, start a receiver in another terminal:',
    '',
    `${config.dataDir === resolve('.hookgraph') ? '' : `HOOKGRAPH_DATA_DIR=${quoted(config.dataDir)} `}npx hookgraph listen --subscribe ${first.topic}`,
    '',
    `Then ${first.purpose}:`,
    '',
    `curl -s ${endpoint} \\`,
    `  -H 'Authorization: Token token=${token ?? '<token>'}' -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ query: first.query })}'`,
    '',
  );
  return `\nHookgraph is running.\n\n${lines.map((line) => (line ? `  ${line}` : '')).join('\n')}`;
}

/** Says what is missing in a database that has no organization yet. */
export const emptyWelcome = (url: string): string => `
Hookgraph is running.

  Console   ${url}${CONSOLE_PATH}
  API       ${url}${API_PATH}

  There is no organization yet. Create one with its admin, whose API token is shown once:

  hookgraph create-organization "My company" --admin "My Name"
`;

export const monitoringLine = (url: string): string => `Health is at ${url}/healthz and ${url}/readyz, metrics are at ${url}/metrics`;
