// Promise: wherever the API takes an id, another organization's id reads nothing, changes nothing, and doesn't reveal whether it exists.
import { randomUUID } from 'node:crypto';
import { getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import { openPrisma } from '../../src/sample/prisma.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { nodes } from '../support/sample.js';
import { addEngineRows, rowsWith } from '../support/tenant-rows.js';
import { atOnce, leaksIn, MARKER, nobodys, normal } from '../support/walk-answers.js';
import { fill, type IdPlace, idPlaces, selectAll } from '../support/walk-schema.js';
import { fillOrganization } from '../support/whole-organization.js';

let t: ServedApp;
let receiver: Receiver;
/** The keys of the other organization's objects by typename. */
const theirs = new Map<string, string[]>();

/** For each engine type, the statement that selects the ids of a tenant's rows. */
const TABLES: Record<string, string> = {
  WebhookSubscription: `SELECT id FROM hookgraph.subscriptions WHERE tenant = $1`,
  WebhookDelivery: `SELECT d.id FROM hookgraph.deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id WHERE s.tenant = $1`,
  WebhookAttempt: `SELECT a.id FROM hookgraph.attempts a JOIN hookgraph.subscriptions s ON s.id = a.subscription_id WHERE s.tenant = $1`,
  WebhookError: `SELECT a.id FROM hookgraph.attempts a JOIN hookgraph.subscriptions s ON s.id = a.subscription_id WHERE s.tenant = $1 AND a.outcome = 'FAILED'`,
  WebhookEvent: `SELECT id FROM hookgraph.events WHERE tenant = $1`,
  WebhookBulkAction: `SELECT id FROM hookgraph.bulk_actions WHERE tenant = $1`,
  WebhookReplay: `SELECT r.id FROM hookgraph.replays r JOIN hookgraph.subscriptions s ON s.id = r.subscription_id WHERE s.tenant = $1`,
  ApiToken: `SELECT t.id FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE u.organization_id = $1::uuid`,
};
/** Types that belong to the installation and that everybody may read. */
const SHARED = ['WebhookTopic'];
/** Fields that only operators may use. */
const OPERATORS = ['webhookCheck', 'webhookEventsWithoutTenant'];

beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8', HOOKGRAPH_RATE_LIMIT: '0' });
  receiver = await startReceiver(
    (response, { path }) => void response.writeHead(path === '/500' ? 500 : 200).end(`{"said": "${MARKER}-answer"}`),
  );
  const prisma = openPrisma(t.database.url);
  for (const [viewer, marker] of [
    [t.stranger, MARKER],
    [t.admin, 'own'],
  ] as const)
    await fillOrganization(prisma, { organizationId: viewer.organizationId, userId: viewer.userId, marker });
  await prisma.$disconnect();
  const working = await t.app.webhooks.work();
  await addEngineRows(t, receiver.url, { viewer: t.stranger, marker: MARKER });
  await addEngineRows(t, receiver.url, { viewer: t.admin, marker: 'own' });
  await working.stop();
  for (const node of nodes) {
    const { rows } = await t.database.pool.query(
      `SELECT ${node.key[0]} AS key FROM ${node.table.name} WHERE ${node.typename === 'Organization' ? 'id' : 'organization_id'} = $1`,
      [t.stranger.organizationId],
    );
    theirs.set(
      node.typename,
      rows.map(({ key }) => key),
    );
  }
  for (const [typename, sql] of Object.entries(TABLES))
    theirs.set(
      typename,
      (await t.database.pool.query({ text: sql, values: [t.stranger.organizationId], rowMode: 'array' })).rows.map(([key]) => String(key)),
    );
});
afterAll(async () => {
  await receiver?.close();
  await t?.close();
});

const globalId = (typename: string, key: string) => t.app.webhooks.engine.host.toGlobalId(typename, key);
const theirRows = () => rowsWith(t.database.pool, [...new Set([...theirs.values()].flat())]);

const known = () => ({
  topic: { key: 'user/created' },
  callbackUrl: `${receiver.url}/walk`,
  query: null,
  validationTemplate: null,
  template: null,
  errorTemplate: null,
  externalData: null,
  test: undefined,
  recording: undefined,
  auth: undefined,
  sns: undefined,
  retry: undefined,
  signatures: undefined,
  headers: null,
});

/** Runs the field with the value at this place. `filled`: all other inputs get valid values. */
async function askAt({ operation, field, path }: IdPlace, value: unknown, filled: boolean, as: Viewer) {
  const { schema } = t.app;
  const root = operation === 'query' ? schema.getQueryType() : schema.getMutationType();
  const asked = root?.getFields()[field];
  if (!asked) throw new Error(`${field} is no ${operation}`);
  const { args, type } = asked;
  const [first, ...inner] = path as [string];
  let inputType = args.find(({ name }) => name === first)?.type;
  const types = [inputType];
  for (const name of inner) {
    const named = getNamedType(inputType);
    inputType = named && 'getFields' in named ? (named.getFields()[name] as { type: typeof inputType }).type : undefined;
    types.push(inputType);
  }
  const nested = inner.reduceRight<unknown>(
    (below, name, index) => ({ ...(filled && types[index] && fill(types[index], known())), [name]: below }),
    value,
  );
  const others = args.filter((arg) => arg.name !== first && String(arg.type).endsWith('!'));
  const declared = [`$v: ${args.find(({ name }) => name === first)?.type}`, ...others.map((arg) => `$${arg.name}: ${arg.type}`)];
  const given = [`${first}: $v`, ...others.map((arg) => `${arg.name}: $${arg.name}`)];
  const source = `${operation} (${declared.join(', ')}) { ${field}(${given.join(', ')}) ${selectAll(schema, type, 1)} }`;
  const variables = { v: nested, ...Object.fromEntries(others.map((arg) => [arg.name, globalId('WebhookSubscription', randomUUID())])) };
  return t.ask(source, variables, as);
}

/** Returns the types that the place's name suggests, and one other type; all types when the name suggests none. */
function typesFor({ field, path }: IdPlace): string[] {
  const words = path.at(-1) === 'id' || path.at(-1) === 'ids' ? field : (path.at(-1) as string);
  const meant = [...theirs.keys()].filter((name) => {
    const stem = words.replace(/Ids?$/, '').toLowerCase();
    return stem.endsWith(name.toLowerCase()) || stem.includes(name.replace('Webhook', '').toLowerCase());
  });
  const byRelation: Record<string, string[]> = {
    authorId: ['User'],
    createdById: ['User'],
    originGroupId: ['Group'],
    photoId: ['Attachment'],
    memberIds: ['User'],
    participantIds: ['User'],
  };
  const found = byRelation[path.at(-1) as string] ?? meant;
  return found.length > 0 ? [...new Set([...found, 'User'])] : [...theirs.keys()];
}

it('has an object of every type to walk with', () => {
  const types = Object.values(t.app.schema.getTypeMap()).filter(
    (type) => isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node'),
  );
  expect(types.map(({ name }) => name).filter((name) => !SHARED.includes(name) && !theirs.get(name)?.length)).toEqual([]);
});

it('walks every place of every query and mutation that takes an id, and finds no way in', async () => {
  const before = await theirRows();
  const places = idPlaces(t.app.schema);
  expect(places.length).toBeGreaterThan(150);
  const ways: string[] = [];
  const walks = places.flatMap((place) => {
    // Both forms of a mutation share their code, so the older form gets only the id; the newer form also gets valid other inputs.
    const filled = place.operation === 'mutation' && place.path[0] === 'input';
    const types = typesFor(place);
    return (place.operation === 'query' || filled ? types : types.slice(0, 1)).flatMap((typename) => {
      const key = theirs.get(typename)?.[0] as string;
      const other = nobodys(key);
      // The engine's types accept their record ids as well as global ids.
      const forms = typename.startsWith('Webhook') ? [globalId, (_: string, one: string) => one] : [globalId];
      return forms.map((form) => async () => {
        const [their, none] = [form(typename, key), form(typename, other)];
        const [found, nothing] = await Promise.all([their, none].map((id) => askAt(place, place.isList ? [id] : id, filled, t.admin)));
        const where = `${place.operation} ${place.field}(${place.path.join('.')}) of ${typename}`;
        if (leaksIn(found).length > 0) ways.push(`${where} shows ${leaksIn(found).slice(0, 3)}`);
        const [one, two] = [found, nothing].map((answer) => normal(answer).replaceAll(their, '<asked>').replaceAll(none, '<asked>'));
        if (one !== two) ways.push(`${where} tells them apart:\n${one?.slice(0, 600)}\n${two?.slice(0, 600)}`);
      });
    });
  });
  expect(walks.length).toBeGreaterThan(300);
  await atOnce(walks);
  expect(ways).toEqual([]);
  expect(await theirRows()).toEqual(before);
});

it('reads every query without ids, from every cursor of theirs, and sees nothing of theirs', async () => {
  const fields = Object.values(t.app.schema.getQueryType()?.getFields() ?? {}).filter(
    ({ args }) => !args.some(({ type }) => String(type).endsWith('!')),
  );
  const ways: string[] = [];
  await atOnce(
    fields.map(({ name, type, args }) => async () => {
      const everything = selectAll(t.app.schema, type, 2);
      const open = await t.ask(`{ ${name} ${everything} }`);
      if (OPERATORS.includes(name)) {
        if (open.errors?.[0]?.extensions.code !== 'FORBIDDEN') ways.push(`${name} is open to everybody`);
        return;
      }
      if (open.errors || leaksIn(open).length > 0) ways.push(`${name}: ${JSON.stringify(open.errors ?? leaksIn(open)).slice(0, 300)}`);
      for (const arg of args.filter((one) => String(getNamedType(one.type)) === 'String' && !['after', 'before'].includes(one.name))) {
        const searched = await t.ask(`{ ${name}(${arg.name}: "${MARKER}") ${everything} }`);
        if (leaksIn(searched).length > 0) ways.push(`${name}(${arg.name}): ${leaksIn(searched)}`);
      }
      const isList = ['first', 'after'].every((name) => args.some((arg) => arg.name === name));
      if (!isList || SHARED.some((shared) => getNamedType(type).name === `${shared}Connection`)) return;
      const { data } = await t.ask(`{ ${name}(first: 1) { pageInfo { endCursor } } }`, {}, t.stranger);
      const cursor: string | null = data[name].pageInfo.endCursor;
      if (cursor === null) return;
      const text = Buffer.from(cursor, 'base64url').toString();
      // A cursor that belongs to no row, next to the real cursor.
      const next = text.replace(/([0-9a-f-]{35})([0-9a-f])/, (_all, start, last) => start + (last === '0' ? '1' : '0'));
      const none = Buffer.from(/^\d+$/.test(text) ? String(BigInt(text) + 1n) : next).toString('base64');
      for (const way of ['after', 'before']) {
        const [found, nothing] = await Promise.all(
          [cursor, none].map((at) => t.ask(`{ ${name}(first: 5, ${way}: "${at}") { nodes { __typename } pageInfo { hasNextPage } } }`)),
        );
        if (normal(found) !== normal(nothing))
          ways.push(`${name}(${way}) tells them apart: ${normal(found).slice(0, 300)} ${normal(nothing).slice(0, 300)}`);
      }
    }),
  );
  expect(ways).toEqual([]);
  // The owner does see the objects through the same selection, so an empty answer above isn't the selection's fault.
  const theirOwn = await Promise.all(
    fields.map(({ name, type }) => t.ask(`{ ${name} ${selectAll(t.app.schema, type, 2)} }`, {}, t.stranger)),
  );
  expect(leaksIn(theirOwn).length).toBeGreaterThan(25);
});

it('runs stored queries and previews over their ids, and gets nulls', async () => {
  const ids = [...theirs].flatMap(([typename, keys]) => keys.slice(0, 2).map((key) => globalId(typename, key)));
  const query = `query ($nodeId: ID!) { node(id: $nodeId) { __typename }
    theirs: nodes(ids: ${JSON.stringify(ids)}) { __typename id ... on User { userName: name } ... on WebhookSubscription { subscriptionName: name } }
    webhookSubscriptions { nodes { name } } users(fullText: "${MARKER}") { totalCount } }`;
  const { data } = await t.ask(
    'mutation ($in: WebhookSubscriptionInput) { previewWebhookSubscription(webhookSubscription: $in) { errors { message } report { stages { stage outcome output message } } } }',
    { in: { topic: { key: 'group/created' }, callbackUrl: `${receiver.url}/walk`, query } },
  );
  expect(data.previewWebhookSubscription.errors).toEqual([]);
  expect(JSON.stringify(data)).toContain(JSON.stringify({ users: { totalCount: 0 } }).slice(1, -1));
  expect(leaksIn(data)).toEqual([]);
  expect(JSON.stringify(data)).not.toContain(t.stranger.organizationId);
});

it('asks every URL for their objects, and is told that there are none', async () => {
  const get = async (path: string) => {
    const response = await fetch(`${t.api.url}/api/v3/graphql${path}`, { headers: { authorization: `Token token=${ADMIN_TOKEN}` } });
    // Removes the request id, which is new in each answer.
    return [response.status, (await response.text()).replace(/"requestId":"[^"]*"/, '')];
  };
  for (const [typename, keys] of theirs) {
    const [their, none] = await Promise.all(
      [keys[0] as string, nobodys(keys[0] as string)].map((key) => get(`/object/${globalId(typename, key)}`)),
    );
    expect(their, typename).toEqual(none);
    expect(their?.[0], typename).toBe(404);
  }
  for (const path of ['/', '/explorer', '?query={viewer{name}}']) expect(leaksIn(await get(path))).toEqual([]);
});

it('changes nothing at all with a token that may only read, not even of one’s own', async () => {
  const reader: Viewer = { ...t.admin, scope: 'READ' };
  const before = await rowsWith(t.database.pool, null);
  const answers: string[] = [];
  await atOnce(
    idPlaces(t.app.schema)
      .filter(({ operation }) => operation === 'mutation')
      .map((place) => async () => {
        const own = globalId('WebhookSubscription', randomUUID());
        const { data } = await askAt(place, place.isList ? [own] : own, true, reader);
        // A preview saves and sends nothing, so it requires only the scope READ.
        if (place.field === 'previewWebhookSubscription') return;
        answers.push(
          JSON.stringify(data?.[place.field].errors.map(({ type, message }: { type: string; message: string }) => [type, message])),
        );
      }),
  );
  expect([...new Set(answers)].sort()).toEqual([
    '[["FORBIDDEN","the token’s scope is READ, but this needs ADMIN"]]',
    '[["FORBIDDEN","the token’s scope is READ, but this needs MANAGE_WEBHOOKS"]]',
  ]);
  expect(await rowsWith(t.database.pool, null)).toEqual(before);
});
