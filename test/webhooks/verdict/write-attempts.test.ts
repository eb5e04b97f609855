import fc from 'fast-check';
import type { Pool, PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cancelDeliveries, holdDeliveries } from '../../../src/webhooks/base/store/delivery-moves.js';
import { afterAttempt } from '../../../src/webhooks/base/store/delivery-state.js';
import { claimDue, type DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { padQueueTable } from '../../../src/webhooks/lease/pad-queue-table.js';
import type { DeliveryResult } from '../../../src/webhooks/verdict/attempt-result.js';
import { ERRORS_PER_HOUR, writeAttempts } from '../../../src/webhooks/verdict/write-attempts.js';
import { recorded } from '../../support/attempts.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { deliveriesOf, insertDeliveries, insertSubscription, outOfStep } from '../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterEach(async () => expect(await outOfStep(db.pool)).toEqual([]));
afterAll(() => db.close());

async function inHand(count: number, subscriptionId?: string, pool: Pool | PoolClient = db.pool): Promise<DeliveryInHand[]> {
  const id = subscriptionId ?? (await insertSubscription(db.pool));
  await insertDeliveries(db.pool, id, count);
  return claimDue(pool as Pool, [{ subscriptionId: id, count, after: null }]);
}

const result = (delivery: DeliveryInHand, outcome: 'DELIVERED' | 'FAILED', rest: Partial<DeliveryResult> = {}): DeliveryResult => ({
  deliveryId: delivery.id,
  token: delivery.token,
  subscriptionId: delivery.subscriptionId,
  next: afterAttempt(outcome, outcome === 'FAILED' ? 60_000 : null),
  attempt: {
    definition: { subscriptionId: delivery.subscriptionId, version: 1, owner: { tenant: 'org' }, topic: { key: 'thing/created' } },
    delivery,
    outcome,
    stage: outcome === 'FAILED' ? 'STATUS' : null,
    message: null,
    startedAt: new Date(),
    durationMs: 3.5,
    timings: { sendMs: 3 },
    request: { url: 'https://receiver.example/', headers: { a: 'b' }, body: '{"x":1}' },
    response: { status: outcome === 'FAILED' ? 500 : 200, headers: {}, body: 'ok' },
  },
  disable: null,
  ...rest,
});

const attemptsOf = (deliveryId: string | undefined) => recorded(db.pool, 'a.delivery_id = $1', deliveryId);
const statusOf = async (id: string | undefined) =>
  (await db.pool.query('SELECT status, disabled_reason FROM hookgraph.subscriptions WHERE id = $1', [id])).rows[0];

describe('writeAttempts', () => {
  it('records the attempt and moves the delivery, for a whole batch', async () => {
    const [a, b] = await inHand(2);
    await writeAttempts(db.pool, [result(a as DeliveryInHand, 'DELIVERED'), result(b as DeliveryInHand, 'FAILED')]);
    const rows = await deliveriesOf(db.pool, a?.subscriptionId as string);
    expect(rows).toMatchObject([
      { state: 'DELIVERED', attemptCount: 1, leaseToken: null },
      { state: 'RETRYING', attemptCount: 1, leaseToken: null },
    ]);
    expect(rows[1].dueInSeconds).toBeGreaterThan(58);
    expect(await attemptsOf(a?.id)).toMatchObject([
      { number: 1, outcome: 'DELIVERED', timings: { sendMs: 3 }, request: { body: '{"x":1}' }, response: { status: 200, body: 'ok' } },
    ]);
  });

  it('records the headers of each attempt', async () => {
    const [ours, theirs] = await Promise.all([inHand(3), inHand(2)]);
    const batch = [ours[0], theirs[0], ours[1], theirs[1], ours[2]] as DeliveryInHand[];
    const headersOf = (delivery: DeliveryInHand, place: number): Record<'request' | 'response', Record<string, string>> => ({
      request: { Topic: `of ${delivery.subscriptionId}`, Id: delivery.id },
      // The last delivery lacks a header that the first delivery of its subscription has.
      response: place === 4 ? { date: 'now' } : { date: `at ${place}`, server: delivery.subscriptionId },
    });
    await writeAttempts(
      db.pool,
      batch.map((delivery, place) => {
        const one = result(delivery, 'DELIVERED');
        const { request, response } = headersOf(delivery, place);
        const attempt = one.attempt as NonNullable<DeliveryResult['attempt']>;
        return {
          ...one,
          attempt: {
            ...attempt,
            request: { url: 'u', headers: request, body: '' },
            response: { status: 200, headers: response, body: '' },
          },
        };
      }),
    );
    for (const [place, delivery] of batch.entries()) {
      const { request, response } = headersOf(delivery, place);
      const [attempt] = await attemptsOf(delivery.id);
      expect(attempt).toMatchObject({ deliveryId: delivery.id, request: { headers: request } });
      expect(attempt?.response?.headers).toEqual(response);
    }
  });

  it('reads back exactly what was sent and received: any text, names in their order, many attempts and large ones', async () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }));
    const headers = fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', '10', '9', 'Set-Cookie')), text);
    const omitted = fc.constantFrom('SWITCHED_OFF' as const, 'UNMASKABLE' as const);
    const body = fc.oneof(
      fc.record({ body: text }),
      fc.record({ body: fc.constant(null), omitted, bytes: fc.nat() }),
      fc.record({ body: text, bytes: fc.nat() }),
    );
    const part = fc.tuple(headers, body).map(([names, rest]) => ({ headers: names, ...rest }));
    const exchanges = fc.record({ url: text, request: part, response: fc.option(part), isError: fc.boolean() });
    const samples = fc.sample(exchanges, 100);
    const large = { url: 'u', request: { headers: {}, body: 'é'.repeat(400_000) }, response: null, isError: false };
    const sent = [...samples, large, ...samples.slice(0, 3)];
    const deliveries = await inHand(sent.length);
    await writeAttempts(
      db.pool,
      sent.map(({ url, request, response, isError }, place) => {
        const one = result(deliveries[place] as DeliveryInHand, isError ? 'FAILED' : 'DELIVERED');
        const attempt = one.attempt as NonNullable<DeliveryResult['attempt']>;
        return { ...one, attempt: { ...attempt, request: { url, ...request }, response: response && { status: 200, ...response } } };
      }),
    );
    const whole = { omitted: null, bytes: null };
    const attempts = new Map((await recorded(db.pool)).map((attempt) => [attempt.deliveryId, attempt]));
    for (const [place, { url, request, response }] of sent.entries()) {
      const attempt = attempts.get(deliveries[place]?.id as string);
      expect(attempt?.request).toEqual({ url, ...whole, ...request });
      expect(attempt?.response).toEqual(response && { status: 200, ...whole, ...response });
      expect(Object.entries(attempt?.request?.headers ?? {})).toEqual(Object.entries(request.headers));
    }
    const { rows } = await db.pool.query('SELECT count(*)::int AS rows FROM hookgraph.exchanges');
    expect(rows[0].rows).toBeLessThan(sent.length / 2);
  });

  it('changes nothing for a worker that lost its lease, and nothing the second time', async () => {
    const [delivery] = (await inHand(1)) as [DeliveryInHand];
    await writeAttempts(db.pool, [result({ ...delivery, token: '1' }, 'DELIVERED')]);
    expect(await deliveriesOf(db.pool, delivery.subscriptionId)).toMatchObject([{ state: 'PENDING', attemptCount: 0 }]);
    await writeAttempts(db.pool, [result(delivery, 'DELIVERED')]);
    await writeAttempts(db.pool, [result(delivery, 'DELIVERED')]);
    expect(await attemptsOf(delivery.id)).toHaveLength(1);
  });

  it('is planned for one row at a time, whatever the queue was like when Postgres looked at it', async () => {
    const { pool } = db;
    const plansOf = async (client: PoolClient) => {
      const { rows } = await client.query(
        `SELECT statement FROM pg_prepared_statements WHERE name IN ('hookgraph-write-attempts', 'hookgraph-claim')`,
      );
      const plans = await Promise.all(rows.map(({ statement }) => client.query(`EXPLAIN (GENERIC_PLAN) ${statement}`)));
      return plans.map((plan) => plan.rows.map((row) => row['QUERY PLAN']).join('\n'));
    };
    const client = await pool.connect();
    const [delivery] = (await inHand(1, undefined, client)) as [DeliveryInHand];
    await writeAttempts(client as never, [result(delivery, 'DELIVERED')]);
    await padQueueTable(pool);
    // Tests the table while empty, full and emptied again, each time with current statistics.
    for (const change of [
      'SELECT',
      `INSERT INTO hookgraph.open_deliveries SELECT i, gen_random_uuid(), now() FROM generate_series(1, 20000) i`,
      'DELETE FROM hookgraph.open_deliveries WHERE delivery_id <= 20000',
    ]) {
      await client.query(change);
      await client.query('VACUUM ANALYZE hookgraph.open_deliveries');
      const plans = await plansOf(client);
      expect(plans).toHaveLength(2);
      for (const plan of plans) {
        expect(plan).not.toContain('Seq Scan on open_deliveries');
        // Each index scan has a condition, so no index is read completely.
        expect(plan).toMatch(/Index Scan .*open_deliveries/);
        expect(plan.match(/(Index Scan|Index Only Scan) .*open_deliveries/g)?.length).toBe(
          plan.match(/(Index Scan|Index Only Scan) .*open_deliveries.*\n *Index Cond/g)?.length,
        );
      }
    }
    client.release();
  });

  it('puts back what failed for a reason of ours, with nothing charged', async () => {
    const [delivery] = (await inHand(1)) as [DeliveryInHand];
    await writeAttempts(db.pool, [result(delivery, 'FAILED', { next: null, putBackMs: 5000, attempt: null })]);
    const [row] = await deliveriesOf(db.pool, delivery.subscriptionId);
    expect(row).toMatchObject({ state: 'PENDING', attemptCount: 0, leaseToken: null });
    expect(row.dueInSeconds).toBeGreaterThan(4);
    expect(await attemptsOf(delivery.id)).toEqual([]);
  });

  it('records the attempt in flight of a subscription that was disabled meanwhile, and holds the delivery', async () => {
    const [failed, fine] = (await inHand(2)) as [DeliveryInHand, DeliveryInHand];
    await db.pool.query('UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1', [failed.subscriptionId]);
    await holdDeliveries(db.pool, [failed.subscriptionId], 'DISABLED');
    await writeAttempts(db.pool, [result(failed, 'FAILED'), result(fine, 'DELIVERED')]);
    expect(await deliveriesOf(db.pool, failed.subscriptionId)).toMatchObject([
      { state: 'HELD', reason: 'DISABLED', attemptCount: 1 },
      { state: 'DELIVERED', attemptCount: 1 },
    ]);
  });

  it('leaves a cancelled delivery cancelled, and records its attempt', async () => {
    const [delivery] = (await inHand(1)) as [DeliveryInHand];
    await cancelDeliveries(db.pool, [delivery.subscriptionId]);
    await writeAttempts(db.pool, [result(delivery, 'FAILED')]);
    expect(await deliveriesOf(db.pool, delivery.subscriptionId)).toMatchObject([{ state: 'CANCELLED', reason: 'DELETED' }]);
    expect(await attemptsOf(delivery.id)).toHaveLength(1);
  });

  it('stores what Postgres refuses as text: NUL in a body and in a header', async () => {
    const [delivery] = (await inHand(1)) as [DeliveryInHand];
    const one = result(delivery, 'DELIVERED');
    if (one.attempt) one.attempt.response = { status: 200, headers: { x: 'a\0b' }, body: 'a\0b' };
    await writeAttempts(db.pool, [one]);
    expect(await attemptsOf(delivery.id)).toMatchObject([{ response: { body: 'a\0b', headers: { x: 'a\0b' } } }]);
  });

  it('switches a subscription off by the rule that an attempt broke, in the same transaction', async () => {
    const [delivery] = (await inHand(1)) as [DeliveryInHand];
    const off = await writeAttempts(db.pool, [
      result(delivery, 'FAILED', { disable: { reason: 'GONE', message: 'The receiver answered 410 Gone.' } }),
    ]);
    expect(off).toMatchObject([{ id: delivery.subscriptionId, rule: 'GONE' }]);
    expect(await statusOf(delivery.subscriptionId)).toEqual({ status: 'DISABLED', disabled_reason: 'GONE' });
  });

  it('switches off at more than 100 errors within an hour, counted since it was last enabled', async () => {
    const deliveries = await inHand(ERRORS_PER_HOUR);
    const [first] = deliveries as [DeliveryInHand];
    expect(
      await writeAttempts(
        db.pool,
        deliveries.map((one) => result(one, 'FAILED')),
      ),
    ).toEqual([]);
    await db.pool.query('UPDATE hookgraph.subscriptions SET enabled_at = now() WHERE id = $1', [first.subscriptionId]);
    const more = await inHand(ERRORS_PER_HOUR + 1, first.subscriptionId);
    expect(
      await writeAttempts(
        db.pool,
        more.slice(0, ERRORS_PER_HOUR).map((one) => result(one, 'FAILED')),
      ),
    ).toEqual([]);
    expect(
      await writeAttempts(
        db.pool,
        more.slice(ERRORS_PER_HOUR).map((one) => result(one, 'FAILED')),
      ),
    ).toMatchObject([{ id: first.subscriptionId, rule: 'TOO_MANY_ERRORS' }]);
    expect(await statusOf(first.subscriptionId)).toEqual({ status: 'DISABLED', disabled_reason: 'TOO_MANY_ERRORS' });
  });
});
