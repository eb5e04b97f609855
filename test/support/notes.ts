// Defines an adopter's application with one table of notes and the fewest possible options, and helpers that act as its owner.
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { createHookgraph, type Hookgraph, type HookgraphOptions, type PoolReader } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';

export const NOTES = 'CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text)';

type Options = Partial<HookgraphOptions<object, PoolReader>> & Pick<HookgraphOptions<object, PoolReader>, 'database'>;

export function notesApp(options: Options): Hookgraph {
  return createHookgraph({
    keys: [randomBytes(32)],
    tables: { Note: { tenant: 'owner' } },
    signIn: async () => ({}),
    context: () => ({}),
    actor: () => ({ tenant: 'ada', userId: 'ada', canManageWebhooks: true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: createPlainLog('error'),
    ...options,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
export async function askApp(hooks: Hookgraph, query: string): Promise<any> {
  const headers = { 'content-type': 'application/json' };
  const request = new Request('http://localhost/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data, errors } = (await (await hooks.handler(request)).json()) as { data: unknown; errors: unknown };
  expect(errors).toBeUndefined();
  return data;
}

export async function subscribeTo(
  hooks: Hookgraph,
  topic: string,
  url: string,
  query = 'query ($id: Int!) { note(id: $id) { id body } }',
): Promise<string> {
  const { createWebhookSubscription: made } = await askApp(
    hooks,
    `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "${topic}" } callbackUrl: "${url}" query: ${JSON.stringify(query)} }) {
       errors { field message } webhookSubscription { id } } }`,
  );
  expect(made.errors).toEqual([]);
  return made.webhookSubscription.id;
}
