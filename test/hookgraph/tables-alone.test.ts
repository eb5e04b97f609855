// Promise: a host without Prisma and without GraphQL adopts Hookgraph by naming its tables.
import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { listWithoutTenant } from '../../src/webhooks/index.js';
import type { Worker } from '../../src/worker/index.js';
import { BOOKING_SHOP } from '../sources/catalog/booking-shop.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const ACME = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';

interface Context {
  member: { organisation: string; user: string } | null;
}

let database: TestDatabase;
let receiver: Receiver;
let hooks: Hookgraph;
let working: Worker;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  receiver = await startReceiver();
  await database.pool.query(`${BOOKING_SHOP}
    INSERT INTO organisations (id, name) VALUES ('${ACME}', 'Acme'), ('${OTHER}', 'Other');
    INSERT INTO users (email) VALUES ('ada@acme.example'), ('eve@other.example');
    INSERT INTO memberships VALUES (1, '${ACME}'), (2, '${OTHER}')`);
  hooks = createHookgraph<Context>({
    database: database.url,
    keys: [randomBytes(32)],
    tables: {
      defaults: { tenant: 'organisation_id', softDelete: 'deleted_at' },
      Space: {},
      Slot: { tenant: { of: 'space_id' } },
      BookingSlot: { tenant: { of: 'slot_id' } },
      Booking: { tenant: { of: 'BookingSlot' } },
      Membership: {},
      User: { tenants: { of: 'Membership' } },
      Coupon: { omit: ['code'] },
      Invoice: { when: { 'invoice/paid': { status: 'paid' } } },
    },
    types: { owner: 'User' },
    signIn: async ({ tenant, userId }, { pool }) => {
      const { rows } = await pool.query('SELECT 1 FROM memberships WHERE user_id = $1 AND organisation_id = $2', [userId, tenant]);
      return rows.length > 0 ? { member: { organisation: tenant, user: userId } } : null;
    },
    context: (request) => ({ member: request.headers.get('x-user') === '1' ? { organisation: ACME, user: '1' } : null }),
    actor: ({ member }) => member && { tenant: member.organisation, userId: member.user, canManageWebhooks: true },
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: createPlainLog('error'),
  });
  await hooks.migrate();
  working = await hooks.work();
});
afterAll(async () => {
  await working.stop();
  await hooks.close();
  await receiver.close();
  await database.close();
});

async function ask(query: string, user = '1') {
  const request = new Request('http://localhost/anywhere', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-user': user },
    body: JSON.stringify({ query }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  return (await (await hooks.handler(request)).json()) as any;
}

async function subscribe(fields: string): Promise<void> {
  const { data, errors } = await ask(
    `mutation { createWebhookSubscription(webhookSubscription: { callbackUrl: "${receiver.url}" ${fields} }) { errors { field message } webhookSubscription { id } } }`,
  );
  expect(errors).toBeUndefined();
  expect(data.createWebhookSubscription.errors).toEqual([]);
}

it.each([
  [{ 'content-type': 'application/json; charset="UTF-8"' }, 200],
  [{ 'content-type': 'application/vnd.api+json' }, 200],
  [{ 'content-type': 'application/json, application/json' }, 200],
  [{ 'content-type': 'application/json', accept: 'text/html' }, 200],
  [{ 'content-type': 'application/json; charset=iso-8859-1' }, 415],
  [{ 'content-type': 'text/plain' }, 415],
  [{ 'content-type': '' }, 415],
])('answers a request of %o with %i and a body', async (headers, status) => {
  for (const path of ['anywhere', 'a/health']) {
    const body = '{"query":"{ __typename }"}';
    const request = new Request(`http://localhost/${path}`, {
      method: 'POST',
      headers: { ...headers, 'x-user': '1', 'x-request-id': 'edge-1' },
      body,
    });
    const response = await hooks.handler(request);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-request-id')).toBe('edge-1');
    const answer = await response.json();
    expect(answer).toEqual(
      status === 200
        ? { data: { __typename: 'Query' } }
        : {
            errors: [
              expect.objectContaining({
                message: expect.stringContaining('must be application/json'),
                extensions: expect.objectContaining({ requestId: 'edge-1' }),
              }),
            ],
          },
    );
  }
});

it('makes none of our tables in theirs', async () => {
  const { rows } = await database.pool.query(`SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'`);
  expect(rows[0].n).toBe(10);
});

it('lists the topics of its tables', async () => {
  const { data } = await ask('{ webhookTopics(first: 100) { nodes { key } } }');
  const keys = data.webhookTopics.nodes.map(({ key }: { key: string }) => key);
  expect(keys).toEqual(expect.arrayContaining(['space/created', 'booking_slot/deleted', 'invoice/paid']));
});

it('delivers what a stored query over the tables answers, to its tenant alone', async () => {
  await subscribe('topic: { key: "slot/created" } query: "query ($id: String!) { slot(id: $id) { id startsAt space { title } } }"');
  await database.pool.query(`INSERT INTO spaces (organisation_id, title) VALUES ('${ACME}', 'Attic'), ('${OTHER}', 'Secret');
    INSERT INTO slots (space_id, starts_at) VALUES (1, '2026-01-01 10:00Z'), (2, '2026-01-01 11:00Z')`);
  await expect.poll(() => receiver.requests.length).toBe(1);
  expect(JSON.parse(String(receiver.requests[0]?.body))).toEqual({
    data: { slot: { id: '1', startsAt: '2026-01-01T10:00:00.000Z', space: { title: 'Attic' } } },
  });
});

it('delivers the row where a subscription has no query, without what is omitted', async () => {
  receiver.requests.length = 0;
  await subscribe('topic: { key: "coupon/updated" }');
  await database.pool.query(`INSERT INTO coupons (organisation_id, code, percent) VALUES ('${ACME}', 'HUSH', 10)`);
  await database.pool.query('UPDATE coupons SET percent = 15');
  await database.pool.query('DELETE FROM coupons');
  await expect.poll(() => receiver.requests.length).toBe(1);
  const body = JSON.parse(String(receiver.requests[0]?.body));
  expect(body).toEqual({ data: { id: 1, organisationId: ACME, percent: 15 } });
});

it('asks nobody before a write that passes no gate', async () => {
  const { data } = await ask(
    `mutation { createWebhookSubscription(webhookSubscription: { callbackUrl: "${receiver.url}" phase: BEFORE topic: { key: "coupon/updated" } }) { errors { field message } } }`,
  );
  expect(data.createWebhookSubscription.errors).toContainEqual({
    field: 'phase',
    message: expect.stringContaining('calls no before-hooks'),
  });
});

it('delivers a deleted row as it was', async () => {
  receiver.requests.length = 0;
  await subscribe('topic: { key: "coupon/deleted" } query: "query ($id: Int!) { coupon(id: $id) { id percent } }"');
  await database.pool.query(`INSERT INTO coupons (organisation_id, code, percent) VALUES ('${ACME}', 'HUSH', 20)`);
  await database.pool.query('DELETE FROM coupons');
  await expect.poll(() => receiver.requests.length).toBe(1);
  expect(JSON.parse(String(receiver.requests[0]?.body))).toEqual({ data: { coupon: { id: 2, percent: '20.00' } } });
  const { rows } = await database.pool.query(
    `SELECT count(*)::int AS n FROM hookgraph.events WHERE before::text || after::text LIKE '%HUSH%'`,
  );
  expect(rows[0].n).toBe(0);
});

it('tells whose a booking is when its slots have come and gone with it', async () => {
  receiver.requests.length = 0;
  for (const operation of ['created', 'deleted'])
    await subscribe(`topic: { key: "booking/${operation}" } query: "query ($id: Int!) { booking(id: $id) { id note } }"`);
  await database.pool.query(`BEGIN; INSERT INTO bookings (note) VALUES ('mine'), ('theirs'), ('whose');
    INSERT INTO booking_slots (booking_id, slot_id) VALUES (1, 1), (2, 2); COMMIT`);
  await expect.poll(() => receiver.requests.length).toBe(1);
  await database.pool.query('DELETE FROM bookings WHERE id < 3');
  await expect.poll(() => receiver.requests.length).toBe(2);
  const bodies = receiver.requests.map(({ body }) => JSON.parse(String(body)));
  expect(bodies).toEqual(Array(2).fill({ data: { booking: { id: 1, note: 'mine' } } }));
  const { rows } = await listWithoutTenant(database.pool, { limit: 10, backward: false, after: null, before: null });
  expect(rows.map(({ typename, nodeKey }) => `${typename} ${nodeKey}`)).toEqual(['Booking 3']);
});

it('tells each organization of a user, and asks nobody before', async () => {
  receiver.requests.length = 0;
  await subscribe('topic: { key: "user/updated" } query: "query ($id: Int!) { user(id: $id) { email } }"');
  await database.pool.query(`INSERT INTO memberships VALUES (2, '${ACME}')`);
  await database.pool.query(`INSERT INTO users (email) VALUES ('mallory@other.example'); INSERT INTO memberships VALUES (3, '${OTHER}');
    UPDATE users SET email = 'new-' || email`);
  await expect.poll(() => receiver.requests.length).toBe(2);
  expect(receiver.requests.map(({ body }) => JSON.parse(String(body)).data.user.email).sort()).toEqual([
    'new-ada@acme.example',
    'new-eve@other.example',
  ]);
  const { data } = await ask(
    `mutation { createWebhookSubscription(webhookSubscription: { callbackUrl: "${receiver.url}" phase: BEFORE topic: { key: "user/updated" } }) { errors { field message } } }`,
  );
  expect(data.createWebhookSubscription.errors).toContainEqual({
    field: 'phase',
    message: expect.stringMatching(/rows of Membership decide|calls no before-hooks/),
  });
});

it('tells an organization of a member that comes and goes, with the row that it could see last', async () => {
  receiver.requests.length = 0;
  for (const operation of ['created', 'deleted'])
    await subscribe(`topic: { key: "user/${operation}" } query: "query ($id: Int!) { user(id: $id) { id email } }"`);
  await database.pool.query(`INSERT INTO memberships VALUES (3, '${ACME}')`);
  await expect.poll(() => receiver.requests.length).toBe(1);
  await database.pool.query(`BEGIN; DELETE FROM memberships WHERE user_id = 3 AND organisation_id = '${ACME}';
    UPDATE users SET email = 'secret@other.example' WHERE id = 3; COMMIT`);
  await expect.poll(() => receiver.requests.length).toBe(2);
  const bodies = receiver.requests.map(({ body }) => JSON.parse(String(body)));
  expect(bodies).toEqual(Array(2).fill({ data: { user: { id: 3, email: 'new-mallory@other.example' } } }));
});

it('leaves their updated_at alone, whose change is none', async () => {
  const events = async () =>
    (await database.pool.query(`SELECT count(*)::int AS n FROM hookgraph.recorded WHERE typename = 'Space'`)).rows[0].n;
  const before = await events();
  await database.pool.query(`UPDATE spaces SET updated_at = '2001-01-01Z' WHERE id = 1`);
  expect(await events()).toBe(before);
  const { rows } = await database.pool.query(`UPDATE spaces SET title = 'Attic' || id WHERE id = 1 RETURNING updated_at`);
  expect(rows[0].updated_at).toEqual(new Date('2001-01-01Z'));
  expect(await events()).toBe(before + 1);
  await database.pool.query(`UPDATE spaces SET title = 'Attic' WHERE id = 1`);
});

it('lets somebody who is signed in read their tenant’s rows alone', async () => {
  expect((await ask('{ space(id: 1) { title } }')).data).toEqual({ space: { title: 'Attic' } });
  expect((await ask('{ space(id: 2) { title } }')).data).toEqual({ space: null });
  expect((await ask('{ space(id: 1) { title } }', 'nobody')).errors[0].extensions.code).toBe('UNAUTHENTICATED');
});

it('shows the owner of a subscription as the host’s own type', async () => {
  const { data, errors } = await ask('{ webhookSubscriptions(first: 2) { nodes { createdBy { email } } } }');
  expect(errors).toBeUndefined();
  expect(data.webhookSubscriptions.nodes).toEqual([
    { createdBy: { email: 'new-ada@acme.example' } },
    { createdBy: { email: 'new-ada@acme.example' } },
  ]);
});
