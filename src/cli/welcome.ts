// Where everything is in, the lines that greet a newcomer out.
import { relative } from 'node:path';
import type { Config } from '../runtime/config.js';

export interface Welcome {
  url: string;
  config: Config;
  /** null: not known here. */
  token: string | null;
  embedded: boolean;
}

export function welcome({ url, config, token, embedded }: Welcome): string {
  const endpoint = `${url}/api/v3/graphql`;
  const query = `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "user/created" } callbackUrl: "http://127.0.0.1:9999/" sharedSecret: "a-secret-of-yours" }) { errors { field message } webhookSubscription { id } } }`;
  const lines = [`API       ${endpoint}`, `Explorer  ${endpoint}/explorer`];
  if (token) lines.push(`Token     ${token}`);
  if (embedded) lines.push(`Database  psql "$(cat ${relative(process.cwd(), config.dataDir) || '.'}/database-url)"`);
  lines.push(
    '',
    'A first command to try: be told of every new user.',
    '',
    `curl -s ${endpoint} \\`,
    `  -H 'Authorization: Token token=${token ?? '<token>'}' -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ query })}'`,
    '',
  );
  return `\nHookgraph is running.\n\n${lines.map((line) => (line ? `  ${line}` : '')).join('\n')}`;
}
