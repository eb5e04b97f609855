// Tests that the audit accounts for every event and every subscription of its topic, and names each row that contradicts another.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rememberForgotten } from '../../../src/webhooks/base/store/forgotten.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { type Audit, addToAudit, audit, deleteSubscription, pruneHistory, updateSubscription } from '../../../src/webhooks/index.js';
import { deliveriesOf } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import { until } from '../../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());
afterEach(() => world.clear());

const ALL = { since: null, until: null, owner: null };
const books = (scope = {}, options = {}) => audit(world.db.pool, { ...ALL, ...scope }, options);
const query = (sql: string, values: unknown[] = []) => world.db.pool.query(sql, values);

/** Returns the numbers of pairs in an audit, by code and reason: `DELIVERED`, `SKIPPED VALIDATION` … */
const countsOf = ({ accounts }: Pick<Audit, 'accounts'>): Record<string, number> =>
  Object.fromEntries(accounts.map(({ code, reason, count }) => [[code, reason].filter(Boolean).join(' '), count]));

/** Returns the counts of one subscription. */
const sumsOf = ({ ofSubscriptions }: Audit, id: string): Record<string, number> =>
  countsOf({ accounts: ofSubscriptions.filter(({ subscriptionId }) => subscriptionId === id) });

const settled = () =>
  until('all is relayed and sent', async () => {
    const { rows } = await query(
      `SELECT (SELECT count(*) FROM hookgraph.captures) + (SELECT count(*) FROM hookgraph.open_deliveries
         WHERE held_for IS NULL AND due_at < now() + interval '1 second') AS left`,
    );
    return rows[0].left === '0';
  });

it('accounts for each event and subscription by what became of it, and the sums agree', async () => {
  await world.insertThings('before');
  await world.work();
  await settled();
  await world.subscribe();
  const validated = await world.subscribe({ validationTemplate: '{% if data.node.name == "one" %}true{% else %}false{% endif %}' });
  await world.subscribe({ disabled: true });
  const deleted = await world.subscribe();
  await world.insertThings('one', 'two');
  await settled();
  await deleteSubscription(world.webhooks.engine, OWNER, deleted);
  await settled();
  const result = await books();
  const own = await books({ owner: OWNER });
  expect(own.accounts).toEqual(result.accounts);
  expect(sumsOf(own, deleted)).toEqual({ DELIVERED: 2 });
  expect(sumsOf(own, validated)).toEqual({ DELIVERED: 1, 'SKIPPED VALIDATION': 1, 'NOT_DUE OLDER_THAN_SUBSCRIPTION': 1 });
  expect(result.ofSubscriptions).toEqual([]);
  const { rows } = await query('SELECT count(*)::int AS count FROM hookgraph.events');
  // The changes of the subscriptions are also events, but nobody subscribes to these.
  const expected = { events: rows[0].count, unsubscribed: rows[0].count - 3, deliveries: 8, withoutTenant: 0 };
  expect(result).toMatchObject({ ...expected, waiting: 0, findingCount: 0, findings: [] });
  expect(countsOf(result)).toEqual({
    DELIVERED: 2 + 1 + 2,
    'SKIPPED VALIDATION': 1,
    'SKIPPED DISABLED': 2,
    'NOT_DUE OLDER_THAN_SUBSCRIPTION': 3,
  });
});

it('counts what is still to come, held, failed, slowed and cancelled', async () => {
  const [pending, failed, slowed, held] = [
    await world.subscribe(),
    await world.subscribe({ callbackUrl: `${world.receiver.url}/failed` }),
    await world.subscribe({ callbackUrl: `${world.receiver.url}/slowed` }),
    await world.subscribe({ callbackUrl: `${world.receiver.url}/held` }),
  ];
  const worker = await world.work();
  await world.insertThings('one');
  await settled();
  await worker.stop();
  const set = (id: string, state: string, reason: string | null = null) =>
    query('UPDATE hookgraph.deliveries SET state = $2, reason = $3 WHERE subscription_id = $1', [id, state, reason]);
  const queue = (id: string, heldFor: string | null) =>
    query(
      `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for)
       SELECT id, subscription_id, due_at, $2 FROM hookgraph.whole_deliveries WHERE subscription_id = $1`,
      [id, heldFor],
    );
  const attempt = (id: string, outcome: string) =>
    query('UPDATE hookgraph.attempts SET outcome = $2 WHERE subscription_id = $1', [id, outcome]);
  await Promise.all([set(pending, 'RETRYING'), queue(pending, null), attempt(pending, 'FAILED')]);
  await Promise.all([set(failed, 'FAILED'), attempt(failed, 'FAILED')]);
  await Promise.all([set(slowed, 'RETRYING'), queue(slowed, null), attempt(slowed, 'FAILED')]);
  await query(`INSERT INTO hookgraph.paces (subscription_id, state) VALUES ($1, 'SLOWED')`, [slowed]);
  await Promise.all([set(held, 'HELD', 'NODE'), queue(held, 'NODE'), attempt(held, 'HELD')]);
  const result = await books();
  expect(result.findings).toEqual([]);
  expect(countsOf(result)).toEqual({ 'PENDING RETRYING': 1, FAILED: 1, 'SLOWED SLOWED': 1, 'HELD NODE': 1 });
});

it('knows deliveries that wait for their order', async () => {
  await world.subscribe({ ordering: 'PER_NODE' });
  await world.insertThings('one');
  await relayOnce(world.db.pool);
  const result = await books();
  expect(result.findings).toEqual([]);
  expect(countsOf(result)).toEqual({ 'PENDING ORDER': 1 });
});

it('takes a change of the topic or of the environments for a reason, and a change of the name for none', async () => {
  const id = await world.subscribe();
  await world.work();
  await world.insertThings('one');
  await settled();
  const forget = () => query('DELETE FROM hookgraph.deliveries WHERE subscription_id = $1', [id]);
  await query('DELETE FROM hookgraph.attempts');
  await forget();
  await query(`UPDATE hookgraph.subscriptions SET created_at = created_at - interval '1 hour' WHERE id = $1`, [id]);
  const save = (input: object) => updateSubscription(world.webhooks.engine, OWNER, id, input);
  expect((await save({ name: 'another name' })).problems).toEqual([]);
  expect(countsOf(await books())).toEqual({ MISSING: 1 });
  expect((await save({ topic: { key: 'thing/updated' } })).problems).toEqual([]);
  expect((await save({ topic: { key: 'thing/created' } })).problems).toEqual([]);
  expect(countsOf(await books())).toEqual({ 'NOT_DUE OTHER_DEFINITION_THEN': 1 });
});

it('takes deleted history for forgotten, and not for lost', async () => {
  await world.subscribe();
  await query(`UPDATE hookgraph.subscriptions SET created_at = created_at - interval '1 hour'`);
  await world.work();
  await world.insertThings('one', 'two');
  await settled();
  const later = new Date(Date.now() + 1_000);
  const { deliveries } = await pruneHistory(world.db.pool, { before: later });
  expect(deliveries).toBe(2);
  const result = await books();
  expect(result.findings).toEqual([]);
  // The week of the events hasn't ended, so the events are kept.
  expect(countsOf(result)).toEqual({ FORGOTTEN: 2 });
  // A later mark counts; an earlier mark changes nothing; a mark of another tenant doesn't count.
  await rememberForgotten(world.db.pool, { histories: ['deliveries'], before: new Date('2026-01-01') });
  expect(countsOf(await books())).toEqual({ FORGOTTEN: 2 });
  await query('DELETE FROM hookgraph.forgotten');
  await rememberForgotten(world.db.pool, { histories: ['deliveries'], before: later, tenant: 'another' });
  expect((await books()).findings.map(({ kind }) => kind)).toEqual(['MISSING_DELIVERY', 'MISSING_DELIVERY']);
});

describe('a planted fault', () => {
  // Plants the fault after stopping the worker, which would repair some faults.
  const plant = async (sql: string) => {
    const id = await world.subscribe();
    await query(`UPDATE hookgraph.subscriptions SET created_at = created_at - interval '1 hour' WHERE id = $1`, [id]);
    const worker = await world.work();
    await world.insertThings('one', 'two');
    await settled();
    await worker.stop();
    expect((await books()).findings).toEqual([]);
    const [first] = await deliveriesOf(world.db.pool, id);
    await query(sql.replaceAll('$1', first.id));
    return { subscriptionId: id, deliveryId: first.id as string };
  };
  const D = 'hookgraph.deliveries WHERE id = $1';

  it.each([
    ['MISSING_DELIVERY', `WITH a AS (DELETE FROM hookgraph.attempts WHERE delivery_id = $1) DELETE FROM ${D}`],
    ['WITHOUT_EVENT', `DELETE FROM hookgraph.events WHERE id = (SELECT event_id FROM ${D})`],
    ['OTHER_TENANT', `UPDATE hookgraph.events SET tenant = 'other' WHERE id = (SELECT event_id FROM ${D})`],
    ['CONTRADICTS_QUEUE', `UPDATE hookgraph.deliveries SET state = 'RETRYING' WHERE id = $1`],
    [
      'CONTRADICTS_QUEUE',
      `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at) SELECT id, subscription_id, now() FROM ${D}`,
    ],
    ['CONTRADICTS_ATTEMPTS', 'DELETE FROM hookgraph.attempts WHERE delivery_id = $1'],
    ['CONTRADICTS_ATTEMPTS', `UPDATE hookgraph.attempts SET outcome = 'FAILED' WHERE delivery_id = $1`],
    ['CONTRADICTS_ATTEMPTS', 'UPDATE hookgraph.deliveries SET attempt_count = 2 WHERE id = $1'],
    [
      'QUEUED_WITHOUT_DELIVERY',
      `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at) SELECT 7, subscription_id, now() + interval '1 hour' FROM ${D}`,
    ],
    ['QUEUED_WITHOUT_EVENT', "INSERT INTO hookgraph.fan_outs (event_id, tenant) VALUES (7, 'org')"],
    [
      'NOT_RELAYED',
      `INSERT INTO hookgraph.captures (xid, id, depth, typename, node_key, operation, tenant)
       VALUES ('3', hookgraph.id_at(now() - interval '11 minutes'), 1, 'Other', '1', 'created', 'org')`,
    ],
  ])('%s is named', async (kind, sql) => {
    const { subscriptionId, deliveryId } = await plant(sql);
    const { findings, findingCount } = await books();
    expect(findings.map((finding) => finding.kind)).toEqual([kind]);
    expect(findingCount).toBe(1);
    const [finding] = findings;
    if (finding?.subscriptionId) expect(finding.subscriptionId).toBe(subscriptionId);
    if (finding?.deliveryId && kind !== 'QUEUED_WITHOUT_DELIVERY') expect(finding.deliveryId).toBe(deliveryId);
  });
});

it('reads in small steps under a short statement_timeout, continues where it stopped, and sees only the owner’s subscriptions', async () => {
  await world.subscribe();
  await world.work();
  await world.insertThings('one', 'two', 'three');
  await settled();
  const whole = await books();
  const { position: _, ...sums } = whole;
  const pool = new pg.Pool({ connectionString: world.db.url, max: 1, options: '-c statement_timeout=5000' });
  try {
    const progress: number[] = [];
    const inParts: Audit = {
      ...whole,
      events: 0,
      unsubscribed: 0,
      deliveries: 0,
      accounts: [],
      ofSubscriptions: [],
      findings: [],
      waiting: null,
    };
    let position: string | null = null;
    let calls = 0;
    do {
      const part: Audit = await audit(pool, ALL, { position, most: 2, withinMs: 0, onProgress: ({ events }) => progress.push(events) });
      addToAudit(inParts, part);
      position = part.position;
      calls += 1;
    } while (position !== null);
    expect({ ...inParts, position: null }).toEqual({ ...sums, position: null });
    // Each call makes one step of two rows.
    expect(calls).toBeGreaterThanOrEqual(5);
    expect(progress).toHaveLength(calls);
  } finally {
    await pool.end();
  }
  await expect(books({}, { position: '9:1' })).rejects.toThrow('not a cursor');
  const own = await books({ owner: OWNER });
  expect(own).toMatchObject({
    events: whole.events,
    deliveries: 3,
    waiting: null,
    accounts: [{ code: 'DELIVERED', reason: null, count: 3 }],
  });
  expect(await books({ owner: { ...OWNER, userId: 'another' } })).toMatchObject({
    unsubscribed: whole.events,
    deliveries: 0,
    accounts: [],
  });
  expect(await books({ owner: { ...OWNER, tenant: 'another' } })).toMatchObject({ events: 0, deliveries: 0, accounts: [] });
  expect(await books({ since: new Date(Date.now() + 60_000) })).toMatchObject({ events: 0, deliveries: 0 });
  expect(await books({ until: new Date(Date.now() - 60_000) })).toMatchObject({ events: 0, deliveries: 0 });
});
