// Finds a subscription or another object by the name or id that a user typed.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Answer, Client } from './client.js';
import { SHORT_ID_LENGTH } from './shorten.js';
import { suggest } from './suggest.js';

const LIST = `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) {
  nodes { id databaseId name topic { key version } } pageInfo { hasNextPage endCursor } } }`;

export interface Named {
  id: string;
  databaseId: string;
  name: string | null;
  topic: { key: string; version: string } | null;
}

/**
 * Finds a subscription by its global id, its `databaseId` (the id in notification headers) or the beginning of it, or its unique name.
 * @throws RuntimeError `NOT_FOUND` or `AMBIGUOUS`
 */
export async function findSubscription(client: Client, nameOrId: string): Promise<Named> {
  const all = (await client.list(LIST, {}, Number.POSITIVE_INFINITY)) as Named[];
  const byId = all.find(({ id, databaseId }) => id === nameOrId || databaseId === nameOrId);
  if (byId) return byId;
  const byShortId = all.filter(({ databaseId }) => nameOrId.length >= SHORT_ID_LENGTH && databaseId.startsWith(nameOrId.toLowerCase()));
  const [first, ...others] = all.filter(({ name }) => name === nameOrId);
  if (first && others.length === 0) return first;
  if (!first && byShortId.length === 1) return byShortId[0] as Named;
  if (first) {
    const ids = [first, ...others].map(({ id, topic }) => `${id} (${topic?.key})`).join(', ');
    throw new RuntimeError(
      'AMBIGUOUS',
      `${others.length + 1} subscriptions have the name ${JSON.stringify(nameOrId)}: ${ids}`,
      'Pass the id of the subscription instead.',
    );
  }
  throw new RuntimeError(
    'NOT_FOUND',
    `You have no subscription ${JSON.stringify(nameOrId)}.${suggest(
      nameOrId,
      all.flatMap(({ name }) => name ?? []),
    )}`,
    '`hookgraph webhooks list` lists your subscriptions.',
  );
}

/**
 * Finds an object by its global id or its `databaseId`.
 * @param fields the GraphQL fields to select
 * @throws RuntimeError `NOT_FOUND`
 */
export async function findOne(client: Client, typename: `Webhook${string}`, id: string, fields: string): Promise<Answer> {
  const { found } = await client.ask(`query ($id: ID!) { found: w${typename.slice(1)}(id: $id) { ${fields} } }`, { id });
  if (found) return found;
  throw new RuntimeError('NOT_FOUND', `You have no ${typename.slice(7).toLowerCase()} ${JSON.stringify(id)}`);
}
