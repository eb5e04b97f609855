// Promise: nobody sees, changes or deletes another owner's subscriptions and deliveries, and no event reaches another organization.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addToken, createUser, organizationId, triedDeliveries, untilSettled } from '../support/journey.js';
import { ADMIN_TOKEN, type RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';

let product: RunningProduct;
/** The receiver of Ada. `foreign`: the receiver of Hank, who belongs to the organization Globex. */
let own: Receiver;
let foreign: Receiver;
/** Grace is an admin of Ada's organization; Hank is an admin of another organization; Alain isn't an admin. */
const tokens = { grace: '', hank: '', alain: '' };
/** The ids of Ada's objects, as global ids and as record ids. */
const ids = { subscription: '', delivery: '', attempt: '', event: '', user: '' };
const records = { subscription: '', delivery: '' };

beforeAll(async () => {
  product = await runProduct();
  [own, foreign] = [await startReceiver(), await startReceiver()];
  await product.pool.query(`UPDATE users SET admin = true WHERE email = 'grace@acme.example'`);
  tokens.grace = await addToken(product, 'grace@acme.example');
  tokens.alain = await addToken(product, 'alain@acme.example');
  tokens.hank = await addToken(product, 'hank@globex.example');
  const { id, recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: own.url, name: "Ada's" });
  ids.user = (await createUser(product)).id;
  const [delivery] = await triedDeliveries(product, id, 1);
  const { node } = await product.graphql('query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { event { id } } } }', {
    id: delivery?.id,
  });
  Object.assign(ids, { subscription: id, delivery: delivery?.id, attempt: delivery?.attempts[0]?.id, event: node.event.id });
  Object.assign(records, { subscription: recordId, delivery: delivery?.databaseId });
});
afterAll(async () => {
  await Promise.all([own?.close(), foreign?.close()]);
  await product?.close();
});
beforeEach(() => {
  own.requests.length = 0;
  foreign.requests.length = 0;
});

describe.each(['hank', 'grace'] as const)('%s', (name) => {
  const ask = (query: string, variables: object = {}) => product.graphql(query, variables, tokens[name]);

  it("finds none of Ada's objects by their ids", async () => {
    expect(await typenames()).toEqual({
      subscription: 'WebhookSubscription',
      delivery: 'WebhookDelivery',
      attempt: 'WebhookAttempt',
      event: 'WebhookEvent',
      user: 'User',
    });
    // An admin of the same organization may read its events and nodes, but not another owner's subscriptions and deliveries.
    const shared = name === 'grace' ? { event: 'WebhookEvent', user: 'User' } : { event: null, user: null };
    expect(await typenames(tokens[name])).toEqual({ subscription: null, delivery: null, attempt: null, ...shared });
    for (const id of [ids.subscription, ids.delivery, ids.attempt])
      expect(await ask('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ node: null });
  });

  it('finds none of them in a list, whatever is asked for', async () => {
    for (const id of [ids.subscription, records.subscription, null]) {
      const found = await ask(
        `query ($id: ID) {
           webhookDeliveries(webhookSubscriptionId: $id, states: [DELIVERED, PENDING, RETRYING, SKIPPED, HELD, FAILED, CANCELLED]) { totalCount nodes { id } }
           webhookSubscriptions(topicKey: "user/created") { totalCount nodes { id } }
         }`,
        { id },
      );
      expect(found).toEqual({ webhookDeliveries: { totalCount: 0, nodes: [] }, webhookSubscriptions: { totalCount: 0, nodes: [] } });
    }
  });

  it.each(['update', 'delete'])('can’t %s the subscription, in either form, by either id', async (verb) => {
    const stem = `${verb}WebhookSubscription`;
    const change = verb === 'update' ? ', callbackUrl: "http://127.0.0.1:1/", disabled: true' : '';
    for (const id of [ids.subscription, records.subscription]) {
      const one = `webhookSubscription: { id: "${id}"${change} }`;
      for (const args of [one, `input: { ${one} }`]) {
        const { [stem]: payload } = await ask(`mutation { ${stem}(${args}) { errors { field message type } webhookSubscription { id } } }`);
        expect(payload).toEqual({ errors: [{ field: 'id', message: 'not found', type: 'NOT_FOUND' }], webhookSubscription: null });
      }
    }
    const { node } = await product.graphql(
      'query ($id: ID!) { node(id: $id) { ... on WebhookSubscription { callbackUrl status version } } }',
      { id: ids.subscription },
    );
    expect(node).toEqual({ callbackUrl: own.url, status: 'ENABLED', version: 1 });
  });
});

describe('Alain, who is no admin,', () => {
  it.each(['create', 'update', 'delete'])('can’t %s a subscription', async (verb) => {
    const stem = `${verb}WebhookSubscription`;
    const before = await countSubscriptions();
    const asked = { topic: { key: 'user/created' }, callbackUrl: foreign.url, ...(verb !== 'create' && { id: ids.subscription }) };
    const { [stem]: payload } = await product.graphql(
      `mutation ($in: WebhookSubscriptionInput) { ${stem}(webhookSubscription: $in) { errors { type message } webhookSubscription { id } } }`,
      { in: asked },
      tokens.alain,
    );
    expect(payload).toMatchObject({ errors: [{ type: 'FORBIDDEN' }], webhookSubscription: null });
    expect(await countSubscriptions()).toBe(before);
  });

  it('reads nothing of others', async () => {
    const found = await product.graphql('{ webhookSubscriptions { totalCount } webhookDeliveries { totalCount } }', {}, tokens.alain);
    expect(found).toEqual({ webhookSubscriptions: { totalCount: 0 }, webhookDeliveries: { totalCount: 0 } });
  });
});

it('tells each organization of its own events only, whoever writes them', async () => {
  await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: foreign.url }, tokens.hank);
  const globex = await organizationId(product, 'globex');
  const [acmeUser, globexUser] = [await createUser(product), await createUser(product, {}, tokens.hank)];
  await product.pool.query(
    `INSERT INTO users (organization_id, first_name, last_name)
     SELECT o.id, 'By', 'SQL' FROM organizations o WHERE o.id = $1 OR o.permalink = 'acme'`,
    [globex],
  );
  await untilSettled(product);
  const told = async (receiver: Receiver, token?: string) => {
    const nodeIds = receiver.requests.map(({ body }) => JSON.parse(body).data.id);
    const { nodes } = await product.graphql(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { organization { permalink } } } }',
      { ids: nodeIds },
      token,
    );
    return { nodeIds, permalinks: nodes.map((node: { organization: { permalink: string } }) => node.organization.permalink) };
  };
  const [ada, hank] = [await told(own), await told(foreign, tokens.hank)];
  expect(ada.permalinks).toEqual(['acme', 'acme']);
  expect(hank.permalinks).toEqual(['globex', 'globex']);
  expect(ada.nodeIds).toContain(acmeUser.id);
  expect(hank.nodeIds).toContain(globexUser.id);
});

it("answers null where an owner's query asks for another organization's node, and delivers that as data", async () => {
  const { viewer } = await product.graphql('{ viewer { id organization { id } } }', {}, tokens.hank);
  const { createGroup } = await product.graphql(
    'mutation { createGroup(group: { name: "Secret society" }) { group { databaseId } } }',
    {},
    tokens.hank,
  );
  const { id } = await product.subscribe({
    topic: { key: 'user/updated' },
    callbackUrl: own.url,
    query: `query ($nodeId: ID!) {
      node(id: $nodeId) { ... on User { firstName originGroup { name } } }
      stranger: node(id: "${viewer.id}") { ... on User { name email } }
      theirs: nodes(ids: ["${viewer.organization.id}", "${viewer.id}"]) { id }
      users(fullText: "scorpio") { totalCount nodes { name } }
      organizations { nodes { permalink } }
    }`,
  });
  // Only plain SQL can make a row refer to another organization's row; the API refuses it.
  await product.pool.query(`UPDATE users SET origin_group_id = $1, first_name = 'Alan' WHERE email = 'alain@acme.example'`, [
    createGroup.group.databaseId,
  ]);
  await untilSettled(product);
  expect(own.requests.map(({ body }) => JSON.parse(body))).toEqual([
    {
      data: {
        node: { firstName: 'Alan', originGroup: null },
        stranger: null,
        theirs: [null, null],
        users: { totalCount: 0, nodes: [] },
        organizations: { nodes: [{ permalink: 'acme' }] },
      },
    },
  ]);
  expect(await triedDeliveries(product, id, 1)).toMatchObject([{ state: 'DELIVERED', attempts: [{ outcome: 'DELIVERED', stage: null }] }]);
});

it('is a deletion for the organization that a row leaves, and a creation for the one that it enters', async () => {
  await product.subscribe({ topic: { key: 'user/deleted' }, callbackUrl: `${own.url}/left` });
  const { databaseId } = await createUser(product, { firstName: 'Mover' });
  await untilSettled(product);
  own.requests.length = 0;
  foreign.requests.length = 0;
  await product.pool.query('UPDATE users SET organization_id = $2 WHERE id = $1', [databaseId, await organizationId(product, 'globex')]);
  await untilSettled(product);
  expect(own.requests.map(({ path, headers }) => [path, headers['x-scope-topic']])).toEqual([['/left', 'user/deleted']]);
  expect(foreign.requests.map(({ headers }) => headers['x-scope-topic'])).toEqual(['user/created']);
});

/** The typenames that `nodes` finds by Ada's ids; a refused node is `null` with an error beside it. */
async function typenames(token = ADMIN_TOKEN) {
  const response = await fetch(`${product.url}/api/v3/graphql`, {
    method: 'POST',
    headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }', variables: { ids: Object.values(ids) } }),
  });
  const { data, errors } = (await response.json()) as {
    data: { nodes: ({ __typename: string } | null)[] };
    errors?: { message: string }[];
  };
  for (const { message } of errors ?? []) expect(message).toBe('Not authorized to read object');
  return Object.fromEntries(Object.keys(ids).map((key, index) => [key, data.nodes[index]?.__typename ?? null]));
}

async function countSubscriptions(): Promise<number> {
  return (await product.pool.query('SELECT count(*)::int AS count FROM hookgraph.subscriptions WHERE deleted_at IS NULL')).rows[0].count;
}
