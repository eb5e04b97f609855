// Serves the sample product, and makes folders with a subscription in YAML for `plan`, `apply` and `pull`.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to environment variables
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMIN_TOKEN, servedApp } from './app.js';
import { commandLine } from './command-line.js';

/** The variables that the subscription reads. */
export const SECRETS = { CRM_SECRET: 'hush-hush', CRM_KEY: 'key-of-the-crm' };

export const QUERY = `query ($nodeId: ID!) {
  node(id: $nodeId) { ... on User { name } }
}
`;
export const YAML = `name: users
topics: [user/created, user/updated]
callbackUrl: https://8.8.8.8/hooks
query: { fromFile: users.graphql }
template: |
  {"name": "{{ data.node.name }}"}
sharedSecret: { fromEnv: CRM_SECRET }
headers:
  - { name: x-api-key, value: "Key \${env:CRM_KEY}" }
retry: { maxTries: 5 }
rateLimit: { perSecond: 10, concurrency: 2 }
`;

export type YamlFolders = Awaited<ReturnType<typeof startYamlFolders>>;

export async function startYamlFolders() {
  const t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  const cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN, ...SECRETS });
  let count = 0;
  return {
    t,
    cli,
    /** Deletes all subscriptions, makes a new folder, and returns its path. */
    async clear(): Promise<string> {
      await t.database.pool.query('UPDATE hookgraph.subscriptions SET deleted_at = now() WHERE deleted_at IS NULL');
      count += 1;
      const dir = join(cli.dir, `folder-${count}`);
      await mkdir(dir);
      return dir;
    },
    /** Returns the versions of the subscriptions, sorted by the subscriptions' names. */
    async versions(): Promise<number[]> {
      const { rows } = await t.database.pool.query('SELECT version FROM hookgraph.subscriptions WHERE deleted_at IS NULL ORDER BY name');
      return rows.map(({ version }) => version);
    },
    async close(): Promise<void> {
      await cli.close();
      await t.close();
    },
  };
}

/** Writes the files of the subscription `users`; `files` replaces some of them or adds others. */
export async function writeYaml(dir: string, files: Record<string, string> = {}): Promise<void> {
  const all = { 'hookgraph.yaml': 'scope: crm\n', 'users.yaml': YAML, 'users.graphql': QUERY, ...files };
  for (const [file, content] of Object.entries(all)) await writeFile(join(dir, file), content);
}
