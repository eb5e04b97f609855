// Promise: an owner who subscribes to the troubles of their subscriptions is notified once of each: by which rule, since when and what was
// missed. They are never notified of troubles of the subscriptions that send these notifications.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setBroken, unsetBroken } from '../../src/webhooks/base/store/subscription-status.js';
import { createSubscription, updateSubscription } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { endPause, makeDue } from '../support/engine-rows.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: TestApp;
let receiver: Receiver;
let watcher: Receiver;
let working: { stop(): Promise<void> };
beforeAll(async () => {
  [t, receiver, watcher] = await Promise.all([testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' }), startReceiver(), startReceiver()]);
  working = await t.app.webhooks.work();
});
afterAll(async () => {
  await working?.stop();
  await Promise.all([t?.close(), receiver?.close(), watcher?.close()]);
});

const actor = () => ({ tenant: t.admin.organizationId, userId: t.admin.userId, canManageWebhooks: true });

async function subscribe(key: string, input: object): Promise<string> {
  const { subscription, problems } = await createSubscription(t.app.webhooks.engine, actor(), { topic: { key }, ...input });
  if (!subscription) throw new Error(JSON.stringify(problems));
  return subscription.id;
}

const TROUBLE = {
  query: `query ($nodeId: ID!) { node(id: $nodeId) { ... on WebhookSubscription {
    name health disabledReason heldReason slowedReason slowedAt missedEvents { count } } } }`,
  template: `{"name": {{ data.node.name | json }}, "was": {{ event.before.health | json }}, "is": {{ event.after.health | json }},
    "disabled": {{ event.after.disabledReason | json }}, "held": {{ event.after.heldReason | json }}, "slowed": {{ event.after.slowedReason | json }},
    "since": {{ event.after.slowedAt | default: event.before.slowedAt | json }}, "missed": {{ data.node.missedEvents.count | json }}}`,
};

const names = ['slowed', 'disabled', 'held', 'recovered'];
const told = () => watcher.requests.map(({ path, body }) => ({ topic: path.slice(1), ...JSON.parse(body) }));
const insert = (name: string) =>
  t.database.pool.query(`INSERT INTO environments (organization_id, name) VALUES ($1, $2)`, [t.admin.organizationId, name]);

it('once for each trouble, and once for its end', async () => {
  const { pool } = t.database;
  for (const name of names) await subscribe(`webhook_subscription/${name}`, { ...TROUBLE, callbackUrl: `${watcher.url}/${name}` });
  const id = await subscribe('environment/created', { name: 'watched', callbackUrl: receiver.url, template: '{}' });
  const answer = (status: number, headers = {}) => {
    receiver.answer = (response: ServerResponse) => void response.writeHead(status, headers).end();
  };
  /** Repeatedly makes waiting deliveries due until the condition holds. */
  const goOn = (what: string, isMet: () => Promise<boolean> | boolean) =>
    until(what, async () => {
      if (await isMet()) return true;
      await makeDue(pool, id);
      await endPause(pool, id);
      return false;
    });
  const isTold = (count: number) => () => told().length >= count;

  answer(429, { 'retry-after': '1' });
  await insert('throttled');
  await goOn('the owner is told that it is slowed', isTold(1));
  expect(told()[0]).toMatchObject({ topic: 'slowed', name: 'watched', was: 'WORKING', is: 'SLOWED', slowed: 'THROTTLED', missed: null });
  expect(told()[0].since).toMatch(/^20\d\d-/);
  const before = receiver.requests.length;
  await goOn('it is refused further', () => receiver.requests.length > before + 2);
  answer(200);
  await goOn('it is accepted', async () => (await countStates(pool, id)).DELIVERED === 1);
  await pool.query(`UPDATE hookgraph.paces SET per_second = 300, changed_at = now() - interval '2 seconds' WHERE subscription_id = $1`, [
    id,
  ]);
  await insert('at full speed');
  await goOn('it works again', isTold(2));
  expect(told()[1]).toMatchObject({ topic: 'recovered', was: 'SLOWED', is: 'WORKING', slowed: null, since: told()[0].since });

  answer(500);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await insert(name);
  await goOn('the owner is told that it fails', isTold(3));
  expect(told()[2]).toMatchObject({ topic: 'slowed', is: 'SLOWED', slowed: 'FAILING' });
  answer(410);
  await goOn('the owner is told that it is disabled', isTold(4));
  expect(told()[3]).toMatchObject({ topic: 'disabled', was: 'SLOWED', is: 'DISABLED', disabled: 'GONE' });
  await insert('missed');
  await until('the missed event is skipped', async () => (await countStates(pool, id)).SKIPPED === 1);
  answer(200);
  expect((await updateSubscription(t.app.webhooks.engine, actor(), id, { disabled: false })).problems).toEqual([]);
  await goOn('the owner is told that it is enabled', isTold(5));
  expect(told()[4]).toMatchObject({ topic: 'recovered', was: 'DISABLED', is: 'WORKING', missed: 1 });

  await setBroken(pool, [{ id, version: 1, reason: 'a field is gone' }]);
  await until('the owner is told that it is held', isTold(6));
  expect(told()[5]).toMatchObject({ topic: 'held', was: 'WORKING', is: 'HELD', held: 'a field is gone' });
  await unsetBroken(pool, [{ id, version: 1 }]);
  await until('the owner is told that it is valid', isTold(7));
  await goOn('all is sent', async () => (await countStates(pool, id)).DELIVERED === 8);
  expect(told().map(({ topic }) => topic)).toEqual(['slowed', 'recovered', 'slowed', 'disabled', 'recovered', 'held', 'recovered']);
  expect(await unbalanced(pool)).toEqual([]);
});

it('never about the subscriptions that tell, though their receivers fail, so that two of them tell of each other no more than once', async () => {
  const { pool } = t.database;
  const before = told().length;
  const { rows: watching } = await pool.query<{ id: string }>(
    `SELECT s.id FROM hookgraph.subscriptions s JOIN hookgraph.topics t ON t.id = s.topic_id WHERE t.typename = 'WebhookSubscription'`,
  );
  const id = await subscribe('environment/created', { name: 'gone', callbackUrl: receiver.url, template: '{}' });
  watcher.answer = (response) => void response.writeHead(410).end();
  receiver.answer = (response) => void response.writeHead(410).end();
  await insert('the last');
  const isDisabled = async (ids: string[]) =>
    (await pool.query(`SELECT FROM hookgraph.subscriptions WHERE id = ANY ($1::uuid[]) AND status = 'DISABLED'`, [ids])).rowCount;
  // The owner's receiver refuses the notification about the disabled subscription, so the notifying subscription is disabled itself.
  await until('one that tells is disabled', async () => ((await isDisabled(watching.map((one) => one.id))) ?? 0) > 0);
  expect(await isDisabled([id])).toBe(1);
  const changes = `SELECT FROM hookgraph.captures UNION ALL SELECT FROM hookgraph.open_deliveries WHERE held_for IS NULL AND due_at <= now()`;
  await until('nothing is under way', async () => (await pool.query(changes)).rowCount === 0);
  // Both subscriptions to environments get 410, and the owner's receiver refuses the first notification.
  expect(
    told()
      .slice(before)
      .every(({ topic }) => topic === 'disabled'),
  ).toBe(true);
  const { rows } = await pool.query(
    `SELECT DISTINCT d.node_key FROM hookgraph.whole_deliveries d WHERE d.typename = 'WebhookSubscription' AND d.node_key = ANY ($1::text[])`,
    [watching.map((one) => one.id)],
  );
  expect(rows).toEqual([]);
  expect(await unbalanced(pool)).toEqual([]);
});
