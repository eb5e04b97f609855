// Promise: a fault that only the operator can correct costs no customer a delivery. The delivery waits uncharged and says why, the fault is
// logged once, and the delivery continues by itself.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSubscription, testSubscription, whyNot } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { attemptsOf, countStates } from '../support/attempts.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe('the product', () => {
  let t: TestApp;
  let receiver: Receiver;
  let working: { stop(): Promise<void> };
  beforeAll(async () => {
    [t, receiver] = await Promise.all([testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' }), startReceiver()]);
    working = await t.app.webhooks.work();
  });
  beforeEach(() => {
    receiver.requests.length = 0;
  });
  afterAll(async () => {
    await working.stop();
    await t.close();
    await receiver.close();
  });

  async function subscribe(key: string, query: string, as = t.admin): Promise<string> {
    const actor = { tenant: as.organizationId, userId: as.userId, canManageWebhooks: true };
    const input = { topic: { key }, callbackUrl: receiver.url, query };
    const { subscription, problems } = await createSubscription(t.app.webhooks.engine, actor, input);
    if (!subscription) throw new Error(JSON.stringify(problems));
    return subscription.id;
  }

  /** Waits until the subscription's only delivery waits for the operator, without an attempt. */
  async function waitsForOperator(id: string): Promise<void> {
    await until('it waits for the operator', async () => (await deliveriesOf(t.database.pool, id))[0]?.reason === 'OPERATOR');
    expect(await deliveriesOf(t.database.pool, id)).toMatchObject([{ state: 'PENDING', attemptCount: 0 }]);
    expect(await attemptsOf(t.database.pool, id)).toEqual([]);
  }

  const isDelivered = (id: string) => async () => (await countStates(t.database.pool, id)).DELIVERED === 1;

  it.each([
    ['of the node', 'environments', 'name', 'environment/created', '... on Environment { name }'],
    ['of the owner', 'users', 'last_name', 'user/created', '... on User { lastName }'],
  ])(
    'a column %s is renamed: deliveries of two customers wait, and arrive when the name is back',
    async (_, table, column, key, fields) => {
      const { pool } = t.database;
      const query = `query ($nodeId: ID!) { node(id: $nodeId) { ${fields} } }`;
      const ids = await Promise.all([t.admin, t.stranger].map((viewer) => subscribe(key, query, viewer)));
      const columns = table === 'users' ? ['organization_id', 'first_name', 'last_name'] : ['organization_id', 'name'];
      const row = (tenant: string) =>
        `('${tenant}', ${columns
          .slice(1)
          .map(() => `'x'`)
          .join()})`;
      await pool.query(`BEGIN;
      INSERT INTO ${table} (${columns.join()}) VALUES ${[t.admin, t.stranger].map(({ organizationId }) => row(organizationId)).join()};
      ALTER TABLE ${table} RENAME COLUMN ${column} TO renamed;
      COMMIT`);
      for (const id of ids) await waitsForOperator(id);
      expect(receiver.requests).toEqual([]);
      await pool.query(`ALTER TABLE ${table} RENAME COLUMN renamed TO ${column}`);
      for (const id of ids) await until('it is delivered by itself', isDelivered(id));
    },
  );

  it('a table answers too slowly: the delivery waits, and arrives when the table is quick again', async () => {
    const { pool } = t.database;
    const id = await subscribe('environment/created', 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Environment { name } } }');
    await pool.query(`BEGIN;
      INSERT INTO environments (organization_id, name) VALUES ('${t.admin.organizationId}', 'too slow');
      ALTER TABLE environments RENAME TO stored;
      CREATE VIEW environments AS SELECT stored.* FROM stored, pg_sleep(10);
      GRANT SELECT ON environments TO PUBLIC;
      COMMIT`);
    await until('its query was too slow', async () => (await deliveriesOf(pool, id))[0]?.reason === 'SLOW');
    expect(await deliveriesOf(pool, id)).toMatchObject([{ state: 'PENDING', attemptCount: 0 }]);
    const actor = { tenant: t.admin.organizationId, userId: t.admin.userId, canManageWebhooks: true };
    const { rows } = await pool.query<{ id: string }>(`SELECT id FROM stored WHERE name = 'too slow'`);
    const nodeId = t.app.webhooks.engine.host.toGlobalId('Environment', rows[0]?.id as string);
    const answer = await whyNot(t.app.webhooks.engine, actor, { subscriptionId: id, nodeId, since: null });
    expect(answer?.findings).toMatchObject([{ code: 'QUERY_TOO_SLOW' }]);
    await pool.query('BEGIN; DROP VIEW environments; ALTER TABLE stored RENAME TO environments; COMMIT');
    await until('it is delivered by itself', isDelivered(id));
    expect(await attemptsOf(pool, id)).toMatchObject([{ number: 1, outcome: 'DELIVERED' }]);
  });

  it('an enum has a value that this process does not know: the delivery waits, and a test says why', async () => {
    const { pool } = t.database;
    const id = await subscribe('call/created', 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Call { state } } }');
    await pool.query(`ALTER TYPE call_state ADD VALUE 'PAUSED'`);
    await pool.query(`INSERT INTO calls (organization_id, state) VALUES ($1, 'PAUSED')`, [t.admin.organizationId]);
    await waitsForOperator(id);
    const actor = { tenant: t.admin.organizationId, userId: t.admin.userId, canManageWebhooks: true };
    const tested = await testSubscription(t.app.webhooks.engine, actor, id);
    expect(tested.report).toMatchObject({ outcome: 'FAILED', stage: 'QUERY', message: expect.stringContaining('operator has to correct') });
    await pool.query(`UPDATE calls SET state = 'STARTED'`);
    await until('it is delivered by itself', isDelivered(id));
  });
});

describe('one subscription', () => {
  let world: EngineWorld;
  let logged: Record<string, unknown>[];
  beforeEach(async () => {
    logged = [];
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      for (const line of chunk.toString().trim().split('\n')) logged.push(JSON.parse(line));
      done();
    };
    world = await startEngineWorld({ log: pino({ level: 'warn' }, new Writable({ write })) });
  });
  afterEach(() => world.close());

  /** Moves the deliveries as if their last pause had been four minutes: those with `isDue` are due now, the others in four minutes. */
  const paused = (isDue: string) =>
    world.db.pool.query(
      `WITH o AS (
         UPDATE hookgraph.open_deliveries SET due_at = now() + CASE WHEN ${isDue} THEN interval '0' ELSE interval '4 minutes' END
         WHERE lease_token IS NULL RETURNING delivery_id, due_at
       )
       UPDATE hookgraph.deliveries d SET due_at = o.due_at, updated_at = o.due_at - interval '4 minutes'
       FROM o WHERE d.id = o.delivery_id AND d.reason = 'OPERATOR'`,
    );

  it('has a fault that is corrected: one delivery is tried within 30 seconds, and when it arrives, the others do, which wait for minutes', async () => {
    const id = await world.subscribe();
    Object.assign(world.host, { fault: 'ours', fail: 'boom' });
    await world.work();
    await world.insertThings('a', 'b', 'c');
    const all = () => deliveriesOf(world.db.pool, id);
    const waiting = (check: (seconds: number[]) => boolean) => async () => {
      const found = await all();
      if (found.length < 3 || found.some(({ reason, leaseToken }) => reason !== 'OPERATOR' || leaseToken !== null)) return false;
      return check(found.map(({ dueInSeconds }) => dueInSeconds).sort((a, b) => a - b));
    };
    await until(
      'all wait',
      waiting(([first = 0]) => first > 0),
    );
    await until('all are due after a pause of four minutes', async () => (await paused('true')).rowCount === 3);
    await until(
      'they fail again, and one of them is tried soon',
      waiting(([first = 0, second = 0]) => first > 0 && first <= 30 && second > 60),
    );
    await until('all wait for minutes', async () => (await paused('false')).rowCount === 3);
    world.host.fail = null;
    await paused(`delivery_id = (SELECT min(delivery_id) FROM hookgraph.open_deliveries)`);
    await until('all arrive', async () => (await countStates(world.db.pool, id)).DELIVERED === 3);
  });

  it('has one odd row: it waits with growing pauses, is logged once, and holds up no other row', async () => {
    const id = await world.subscribe();
    Object.assign(world.host, { fault: 'ours', odd: 'odd' });
    await world.work();
    await world.insertThings('odd');
    const odd = async () => (await deliveriesOf(world.db.pool, id))[0];
    const pauses: number[] = [];
    for (let round = 0; round < 4; round++) {
      const { pause } = await until('it waits again', async () => {
        const { rows } = await world.db.pool.query(
          `SELECT extract(epoch FROM due_at - updated_at)::float AS pause FROM hookgraph.deliveries WHERE reason = 'OPERATOR' AND due_at > now()`,
        );
        return rows[0];
      });
      pauses.push(pause);
      // Moves both times into the past, because the difference between them is the last pause.
      await world.db.pool.query(
        `WITH d AS (UPDATE hookgraph.deliveries SET due_at = due_at - interval '1 hour', updated_at = updated_at - interval '1 hour' RETURNING *)
         UPDATE hookgraph.open_deliveries o SET due_at = d.due_at FROM d WHERE o.delivery_id = d.id`,
      );
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.at(-1)).toBeGreaterThan((pauses[0] as number) * 3);
    await until('it waits', async () => (await odd())?.dueInSeconds > 0);

    const why = await whyNot(world.webhooks.engine, OWNER, { subscriptionId: id, nodeId: null, since: null });
    expect(why).toMatchObject({ code: 'WAITS_FOR_OPERATOR', conclusion: expect.stringMatching(/waits for the operator .* again at 2/) });

    await world.insertThings('fine');
    await until('the other row arrives', async () => (await countStates(world.db.pool, id)).DELIVERED === 1);
    expect(await odd()).toMatchObject({ state: 'PENDING', attemptCount: 0 });
    const { id: deliveryId } = await odd();
    expect(logged.filter(({ level }) => level === 50)).toMatchObject([
      { cause: 'the total is not a number', deliveryId, subscriptionId: id, msg: expect.stringContaining('of the host fails') },
    ]);

    world.host.odd = null;
    await makeDue(world.db.pool);
    await until('it arrives', async () => (await countStates(world.db.pool, id)).DELIVERED === 2);
    expect((await deliveriesOf(world.db.pool, id)).map(({ reason }) => reason)).toEqual([null, null]);
  });
});
