import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { verifyWebhook } from 'hookgraph/verify';
import pg from 'pg';
import { prepareDatabase } from '../database.mjs';
import { startReceiver } from '../receiver.mjs';

const file = (path: string) => new URL(path, import.meta.url);
const stopDatabase = await prepareDatabase(file('prisma/migrations/20260901000000_shop/migration.sql'), file('prisma/seed.sql'));
const { hooks } = await import('./hookgraph.js');
const { prisma, yoga } = await import('./api.js');
await hooks.migrate();
const worker = await hooks.work();
const sql = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const receivers: Awaited<ReturnType<typeof startReceiver>>[] = [];
after(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  await worker.stop();
  await hooks.close();
  await prisma.$disconnect();
  await sql.end();
  await stopDatabase();
});

/** Ada owns the harbour and is a member of the attic, which Eve owns. */
const ADA = 'key-of-ada';
const EVE = 'key-of-eve';
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

async function ask(query: string, variables: object = {}, apiKey = ADA) {
  const response = await yoga.fetch('http://localhost/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

async function save(webhookSubscription: object, apiKey = ADA) {
  const { data } = await ask(
    `mutation ($webhookSubscription: WebhookSubscriptionInput!) {
      createWebhookSubscription(webhookSubscription: $webhookSubscription) { errors { field message } webhookSubscription { id } }
    }`,
    { webhookSubscription },
    apiKey,
  );
  return data.createWebhookSubscription;
}

/** Saves a subscription; returns the receiver of its notifications. */
async function subscribe(
  key: string,
  input: object = {},
  { apiKey = ADA, answer = undefined as Parameters<typeof startReceiver>[0] } = {},
) {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  const { errors } = await save({ topic: { key }, callbackUrl: receiver.url, sharedSecret: SECRET, ...input }, apiKey);
  assert.deepEqual(errors, []);
  return receiver;
}

test('tells of a change by the shop’s own mutation, signed, with every digit', async () => {
  const receiver = await subscribe('space/created', {
    signatures: ['STANDARD_WEBHOOKS'],
    query: 'query ($id: Int!) { space(id: $id) { name hourlyRate equipment } }',
  });
  const space = { name: 'Pier', hourlyRate: '123456789012345678.0123456789', equipment: { chairs: 4, wifi: [true, null] } };
  const { data } = await ask(
    'mutation ($name: String!, $hourlyRate: Decimal!, $equipment: JSON) { addSpace(name: $name, hourlyRate: $hourlyRate, equipment: $equipment) { id } }',
    space,
  );
  assert.ok(data.addSpace.id);
  assert.deepEqual(await receiver.waitFor(1), [{ data: { space } }]);
  const [{ headers, body }] = receiver.requests as [(typeof receiver.requests)[0]];
  const options = { scheme: 'STANDARD_WEBHOOKS', headers, body, headerPrefix: 'X-Shop-' } as const;
  assert.equal(verifyWebhook({ ...options, secret: SECRET }).ok, true);
  assert.equal(verifyWebhook({ ...options, secret: `whsec_${Buffer.alloc(24, 8).toString('base64')}` }).ok, false);
});

test('tells of a change by SQL, with the values before and after', async () => {
  const receiver = await subscribe('space/updated', {
    query: 'query ($id: Int!) { space(id: $id) { name } }',
    template:
      '{ "space": {{ data.space.name | json }}, "changed": {{ event.changed | json }}, "was": {{ event.before.position | json }}, "is": {{ event.after.position | json }} }',
  });
  await sql.query(`UPDATE spaces SET "order" = 7 WHERE name = 'Lighthouse'`);
  assert.deepEqual(await receiver.waitFor(1), [{ space: 'Lighthouse', changed: ['position'], was: 1, is: 7 }]);
});

test('announces an invoice as paid, by an enum that the database spells differently', async () => {
  const receiver = await subscribe('invoice/paid', { query: 'query ($id: Int!) { invoice(id: $id) { status cents } }' });
  const { rows } = await sql.query(
    `INSERT INTO invoices (organisation_id, cents) VALUES ('00000000-0000-4000-8000-000000000001', 9007199254740993) RETURNING id`,
  );
  await ask(`mutation { payInvoice(id: ${rows[0].id}) { id } }`);
  assert.deepEqual(await receiver.waitFor(1), [{ data: { invoice: { status: 'PAID', cents: '9007199254740993' } } }]);
});

test('tells of a booking the organisation that its slots are of, and nobody else', async () => {
  const query = 'query ($id: Int!) { booking(id: $id) { guest slots { slot { space { name } } } } }';
  const harbour = await subscribe('booking/created', { query });
  const attic = await subscribe('booking/created', { query }, { apiKey: EVE });
  await ask('mutation { book(guest: "Grace", slotIds: ["1"]) { id } }');
  await ask('mutation { book(guest: "Tom", slotIds: ["3"]) { id } }', {}, EVE);
  const booking = (guest: string, name: string) => ({ data: { booking: { guest, slots: [{ slot: { space: { name } } }] } } });
  assert.deepEqual(await harbour.waitFor(1), [booking('Grace', 'Lighthouse')]);
  assert.deepEqual(await attic.waitFor(1), [booking('Tom', 'Loft')]);
});

test('finds a row by a key of two columns', async () => {
  const receiver = await subscribe('booking_slot/updated', {
    query: 'query ($bookingId: Int!, $slotId: BigInt!) { bookingSlot(bookingId: $bookingId, slotId: $slotId) { persons slot { id } } }',
  });
  await sql.query('UPDATE booking_slots SET persons = 3 WHERE slot_id = 1');
  assert.deepEqual(await receiver.waitFor(1), [{ data: { bookingSlot: { persons: 3, slot: { id: '1' } } } }]);
});

test('tells of a space that was deleted softly as it was', async () => {
  const receiver = await subscribe('space/deleted', { query: 'query ($id: Int!) { space(id: $id) { name } }' });
  const { data } = await ask('mutation { addSpace(name: "Shed", hourlyRate: "1") { id } }');
  await ask(`mutation { removeSpace(id: ${data.addSpace.id}) { id } }`);
  assert.deepEqual(await receiver.waitFor(1), [{ data: { space: { name: 'Shed' } } }]);
  assert.equal((await ask(`{ space(id: ${data.addSpace.id}) { name } }`)).data.space, null);
});

test('tells each organisation of somebody who is in both', async () => {
  const query = 'query ($id: Int!) { user(id: $id) { email group } organisation { name } }';
  const harbour = await subscribe('user/updated', { query });
  const attic = await subscribe('user/updated', { query }, { apiKey: EVE });
  await sql.query(`UPDATE "user" SET "group" = 'back office' WHERE email = 'ada@example.com'`);
  const user = { email: 'ada@example.com', group: 'back office' };
  assert.deepEqual(await harbour.waitFor(1), [{ data: { user, organisation: { name: 'Harbour Rooms' } } }]);
  assert.deepEqual(await attic.waitFor(1), [{ data: { user, organisation: { name: 'Attic Studios' } } }]);
});

test('lets a before-hook refuse a write', async () => {
  const no = {
    status: 200,
    contentType: 'application/vnd.opsani.servo.errors.CancelEventError+json',
    body: '{"reason": "Names end in s."}',
  };
  const receiver = await subscribe('space/created', { phase: 'BEFORE', onFailure: 'REFUSE' }, { answer: { answer: no } });
  const { data, errors } = await ask('mutation { addSpace(name: "Cellar", hourlyRate: "1") { id } }');
  assert.equal(data, null);
  assert.match(errors[0].message, /Names end in s\./);
  assert.equal(errors[0].extensions.code, 'WRITE_REFUSED');
  assert.equal(receiver.requests.length, 1);
  assert.equal((await sql.query(`SELECT FROM spaces WHERE name = 'Cellar'`)).rowCount, 0);
});

test('refuses a before-hook of what others write too', async () => {
  const { errors } = await save({ topic: { key: 'coupon/created' }, callbackUrl: 'http://127.0.0.1/', phase: 'BEFORE' });
  assert.equal(errors[0].field, 'phase');
  assert.match(errors[0].message, /calls no before-hooks for writes of Coupon/);
});

test('shows a stranger neither rows nor subscriptions, and nobody what is omitted', async () => {
  const { data } = await ask('{ space(id: 1) { name } webhookSubscriptions(first: 100) { nodes { topic { key } } } }', {}, EVE);
  assert.equal(data.space, null);
  assert.ok(data.webhookSubscriptions.nodes.every(({ topic }: { topic: { key: string } }) => topic.key !== 'invoice/paid'));
  await sql.query(`INSERT INTO coupons (organisation_id, code, percent) SELECT id, 'hush-' || name, 10 FROM organisations`);
  const { rows } = await sql.query(`SELECT count(*)::int AS count FROM hookgraph.captures c WHERE c::text LIKE '%hush-%'`);
  assert.deepEqual(rows, [{ count: 0 }]);
});
