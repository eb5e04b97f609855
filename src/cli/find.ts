// A name or an id, as a person writes it, in; what it stands for out.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Answer, Client } from './client.js';

const LIST = `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) {
  nodes { id databaseId name topic { key version } } pageInfo { hasNextPage endCursor } } }`;

export interface Named {
  id: string;
  databaseId: string;
  name: string | null;
  topic: { key: string; version: string } | null;
}

/** By id, by the record's id as notifications carry it, or by a name that only one has. Throws NOT_FOUND and AMBIGUOUS. */
export async function findSubscription(client: Client, nameOrId: string): Promise<Named> {
  const all = (await client.list(LIST, {}, Number.POSITIVE_INFINITY)) as Named[];
  const byId = all.find(({ id, databaseId }) => id === nameOrId || databaseId === nameOrId);
  if (byId) return byId;
  const [first, ...others] = all.filter(({ name }) => name === nameOrId);
  if (first && others.length === 0) return first;
  if (first) {
    const ids = [first, ...others].map(({ id, topic }) => `${id} (${topic?.key})`).join(', ');
    throw new RuntimeError(
      'AMBIGUOUS',
      `${others.length + 1} subscriptions are called ${JSON.stringify(nameOrId)}: ${ids}`,
      'Name one by its id.',
    );
  }
  throw new RuntimeError('NOT_FOUND', `You have no subscription ${JSON.stringify(nameOrId)}`, '`hookgraph webhooks list` shows them.');
}

/** The node with this id, or this record's id; `fields`: what to ask of it. Throws NOT_FOUND. */
export async function findNode(client: Client, typename: string, id: string, fields: string): Promise<Answer> {
  const isRecordId = /^\d+$/.test(id) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
  const globalId = isRecordId ? (await import('../sample/graph/global-id.js')).encodeGlobalId(typename, id) : id;
  const { node } = await client.ask(`query ($id: ID!) { node(id: $id) { __typename ... on ${typename} { ${fields} } } }`, { id: globalId });
  if (node?.__typename === typename) return node;
  const what = typename.replace(/^Webhook/, '').toLowerCase();
  throw new RuntimeError('NOT_FOUND', node ? `${id} is a ${node.__typename}, no ${what}` : `You have no ${what} ${JSON.stringify(id)}`);
}
