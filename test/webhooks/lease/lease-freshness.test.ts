import type { LookupAddress } from 'node:dns';
import type { ServerResponse } from 'node:http';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BEGIN_WITHIN_MS, DEFAULT_DEADLINES } from '../../../src/webhooks/base/deadlines.js';
import { insideTransaction } from '../../../src/webhooks/base/store/transaction.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { deleteSubscription, updateSubscription } from '../../../src/webhooks/index.js';
import { createJourney } from '../../../src/webhooks/journey.js';
import { claimDue, type DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { listYoungClaims, mayBegin, renew, untilNoneBegins, whileFresh } from '../../../src/webhooks/lease/lease-freshness.js';
import { openDeliverySender } from '../../../src/webhooks/send-delivery.js';
import type { DeliveryResult } from '../../../src/webhooks/verdict/attempt-result.js';
import { KEYS } from '../../support/aws.js';
import { deliveriesOf } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { until } from '../../support/until.js';

const { perOrigin: PER_ORIGIN } = DEFAULT_DEADLINES;
let world: EngineWorld;
/** The names whose lookups wait until `release` is called. */
let held: { names: Set<string>; released: Promise<void>; release(): void };
const lookup = async (name: string): Promise<readonly LookupAddress[]> => {
  if (held.names.has(name)) await held.released;
  return [{ address: '127.0.0.1', family: 4 }];
};
beforeAll(async () => {
  world = await startEngineWorld({ settings: { lookup } });
});
beforeEach(() => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  held = { names: new Set(), released, release };
});
afterEach(() => world.clear());
afterAll(() => world.close());

async function claimed(subscriptionId: string): Promise<DeliveryInHand> {
  await world.insertThings('a');
  await relayOnce(world.db.pool);
  const [delivery] = await claimDue(world.db.pool, [{ subscriptionId, count: 1, after: null }]);
  return delivery as DeliveryInHand;
}

/** Returns the delivery as if it had been claimed `byMs` milliseconds earlier. */
const aged = (delivery: DeliveryInHand, byMs = BEGIN_WITHIN_MS): DeliveryInHand => ({
  ...delivery,
  claimedAtMs: delivery.claimedAtMs - byMs,
});

async function switchOff(id: string): Promise<void> {
  await world.db.pool.query('UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1', [id]);
}

it("sends nothing when the database can't be asked whether an old claim still holds, and charges no attempt", async () => {
  const old = {
    id: '1',
    subscriptionId: crypto.randomUUID(),
    token: '1',
    claimedAtMs: performance.now() - BEGIN_WITHIN_MS,
  } as DeliveryInHand;
  const unreachable = new pg.Pool({ host: '127.0.0.1', port: 1 });
  expect(await whileFresh(unreachable, old, 15_000, async () => true)()).toBe(false);
  await unreachable.end();
});

describe('renew', () => {
  it('is for a claim that is no longer young', async () => {
    const delivery = await claimed(await world.subscribe());
    expect(mayBegin(delivery)).toBe(true);
    expect(mayBegin(aged(delivery))).toBe(false);
  });

  it('renews an old claim, and with it the lease', async () => {
    const delivery = await claimed(await world.subscribe());
    await world.db.pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = now() + interval '1 s'`);
    const renewed = await renew(world.db.pool, aged(delivery));
    expect(renewed?.claimedAtMs).toBeGreaterThan(delivery.claimedAtMs);
    const { rows } = await world.db.pool.query(`SELECT lease_until > now() + interval '10 s' AS fresh FROM hookgraph.open_deliveries`);
    expect(rows).toEqual([{ fresh: true }]);
  });

  it('refuses an old claim of a subscription that is off, and one that somebody else has taken over', async () => {
    const id = await world.subscribe();
    const delivery = await claimed(id);
    expect(await renew(world.db.pool, { ...aged(delivery), token: '1' })).toBeNull();
    await switchOff(id);
    expect(await renew(world.db.pool, aged(delivery))).toBeNull();
  });
});

describe('untilNoneBegins', () => {
  it('waits for a young claim until its result is written', async () => {
    const id = await world.subscribe();
    await claimed(id);
    const young = await insideTransaction(world.db.pool, (client) => listYoungClaims(client, [id]));
    expect(young).toMatchObject({ deliveryIds: [expect.any(String)], hasHook: false });
    // Stops the clock, so that the wait can't end by its limit of two seconds.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    onTestFinished(() => clock.mockRestore());
    let resolved = false;
    const waiting = untilNoneBegins(world.db.pool, young).then(() => {
      resolved = true;
    });
    await world.db.pool.query('SELECT 1');
    expect(resolved).toBe(false);
    await world.db.pool.query('DELETE FROM hookgraph.open_deliveries');
    await waiting;
  });

  it('does not wait for a claim that is too old to begin', async () => {
    const id = await world.subscribe();
    await claimed(id);
    await world.db.pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = lease_until - interval '2 s'`);
    expect(await insideTransaction(world.db.pool, (client) => listYoungClaims(client, [id]))).toEqual({ deliveryIds: [], hasHook: false });
  });
});

describe('the journey of a claim that was overtaken', () => {
  const run = async (delivery: DeliveryInHand) => {
    const sender = openDeliverySender(world.webhooks.engine);
    const journey = createJourney(world.webhooks.engine, sender);
    const result = await new Promise((resolve) => journey.run([delivery], (_place, found) => resolve(found)));
    await sender.close();
    return result;
  };

  it('sends nothing, least of all unsigned, once its subscription is deleted and its secrets are wiped', async () => {
    const id = await world.subscribe({ sharedSecret: 'hush' });
    const delivery = await claimed(id);
    const deleting = deleteSubscription(world.webhooks.engine, OWNER, id);
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id))[0]?.state).toBe('CANCELLED');
    expect(await run(delivery)).toMatchObject({ attempt: null, next: null });
    await deleting;
    expect(world.receiver.requests).toEqual([]);
  });

  it('puts back, unsent, what waited too long behind others of its origin', async () => {
    const id = await world.subscribe({ query: null });
    await world.insertThings(...Array.from({ length: PER_ORIGIN + 2 }, (_, i) => `n${i}`));
    await relayOnce(world.db.pool);
    const batch = await claimDue(world.db.pool, [{ subscriptionId: id, count: PER_ORIGIN + 2, after: null }]);
    // The last delivery but one will be too old when it could be sent. The last one is fresh, even on a busy machine.
    batch[PER_ORIGIN + 1] = aged(batch[PER_ORIGIN + 1] as DeliveryInHand, -60_000);
    batch[PER_ORIGIN] = aged(batch[PER_ORIGIN] as DeliveryInHand, BEGIN_WITHIN_MS - 5);
    // The last delivery stays fresh, even on a slow machine.
    batch[PER_ORIGIN + 1] = aged(batch[PER_ORIGIN + 1] as DeliveryInHand, -600_000);
    const kept: ServerResponse[] = [];
    world.receiver.answer = (response) => void kept.push(response);
    const sender = openDeliverySender(world.webhooks.engine);
    const results = new Map<number, DeliveryResult>();
    createJourney(world.webhooks.engine, sender).run(batch, (place, result) => results.set(place, result));
    await expect.poll(() => kept.length).toBe(PER_ORIGIN);
    world.receiver.answer = (response) => void response.end();
    for (const response of kept) response.end();
    await expect.poll(() => results.size).toBe(PER_ORIGIN + 2);
    await sender.close();
    expect(results.get(PER_ORIGIN)).toMatchObject({ attempt: null, next: null });
    expect(results.get(PER_ORIGIN + 1)).toMatchObject({ attempt: { outcome: 'DELIVERED' } });
    expect(world.receiver.requests).toHaveLength(PER_ORIGIN + 1);
  });

  it('sends nothing when it is too old, and its subscription was disabled', async () => {
    const id = await world.subscribe({ query: null });
    const delivery = await claimed(id);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    expect(await run(aged(delivery))).toMatchObject({ attempt: null, next: null });
    expect(world.receiver.requests).toEqual([]);
  });
});

describe('a request that waits when its subscription is disabled is never sent, if it waits for', () => {
  const port = () => new URL(world.receiver.url).port;
  const slow = () => `http://slow.example:${port()}`;
  const tokenKinds = { clientId: 'someone', clientSecret: 'secret' };

  /** Starts a token endpoint that keeps each request open until `answerToken` ends its response. */
  async function startTokens(): Promise<{ tokens: Receiver; kept: ServerResponse[] }> {
    const kept: ServerResponse[] = [];
    const tokens = await startReceiver((response) => void kept.push(response));
    onTestFinished(() => tokens.close());
    return { tokens, kept };
  }
  const answerToken = (response: ServerResponse | undefined) =>
    void response?.setHeader('Content-Type', 'application/json').end('{"access_token": "t", "token_type": "Bearer", "expires_in": 600}');

  const isHeld = (id: string) => async () => (await deliveriesOf(world.db.pool, id))[0]?.state === 'HELD';

  it('an OAuth token', async () => {
    const { tokens, kept } = await startTokens();
    const id = await world.subscribe({ query: null, auth: { oauth2: { tokenUrl: tokens.url, ...tokenKinds } } });
    await world.work();
    await world.insertThings('a');
    await until('the token is requested', () => kept.length === 1);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    answerToken(kept[0]);
    await until('it is held', isHeld(id));
    expect(world.receiver.requests).toEqual([]);
    expect(await deliveriesOf(world.db.pool, id)).toMatchObject([{ reason: 'DISABLED', attemptCount: 0 }]);
  });

  it('an OAuth token, while its owner is disabled', async () => {
    const { tokens, kept } = await startTokens();
    const id = await world.subscribe({ query: null, auth: { oauth2: { tokenUrl: tokens.url, ...tokenKinds } } });
    await world.work();
    await world.insertThings('a');
    await until('the token is requested', () => kept.length === 1);
    world.host.ownerGone = true;
    // After this, the claim is too old for a start without a renewal.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + BEGIN_WITHIN_MS);
    onTestFinished(() => clock.mockRestore());
    answerToken(kept[0]);
    await until('it is held', isHeld(id));
    expect(world.receiver.requests).toEqual([]);
    expect(await deliveriesOf(world.db.pool, id)).toMatchObject([{ reason: 'DISABLED', attemptCount: 0 }]);
  });

  it('a second token, after the receiver refused the first one', async () => {
    const { tokens, kept } = await startTokens();
    const id = await world.subscribe({ query: null, auth: { oauth2: { tokenUrl: tokens.url, ...tokenKinds } } });
    world.receiver.answer = (response) => void response.writeHead(401).end();
    await world.work();
    await world.insertThings('a');
    await until('the first token is requested', () => kept.length === 1);
    answerToken(kept[0]);
    await until('the second token is requested', () => kept.length === 2);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    answerToken(kept[1]);
    await until('it is held', isHeld(id));
    expect(world.receiver.requests).toHaveLength(1);
    expect(await deliveriesOf(world.db.pool, id)).toMatchObject([{ reason: 'DISABLED', attemptCount: 1 }]);
  });

  it.each([
    ['HTTPS', () => ({ callbackUrl: slow() })],
    ['SQS', () => ({ sqs: { queueArn: 'arn:aws:sqs:eu-central-1:000000000000:queue', endpoint: slow(), ...KEYS } })],
  ])('a DNS answer (%s)', async (_, destination) => {
    const id = await world.subscribe({ query: null, ...destination() });
    held.names.add('slow.example');
    await world.work();
    await world.insertThings('a');
    await until('it is leased', async () => (await deliveriesOf(world.db.pool, id))[0]?.leaseToken);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    held.release();
    await until('it is held', isHeld(id));
    expect(world.receiver.requests).toEqual([]);
    expect(await deliveriesOf(world.db.pool, id)).toMatchObject([{ reason: 'DISABLED', attemptCount: 0 }]);
  });

  it('a token of a before-hook; the write goes through without it', async () => {
    const { tokens, kept } = await startTokens();
    const id = await world.subscribe({
      phase: 'BEFORE',
      query: null,
      auth: { oauth2: { tokenUrl: tokens.url, ...tokenKinds } },
    });
    const written = world.webhooks.passGate({ tenant: 'org', typename: 'Thing', operation: 'created' }, async (check, seen) =>
      insideTransaction(world.db.pool, async (client) => {
        const insert = `INSERT INTO public.things (id, org, name) OVERRIDING SYSTEM VALUE VALUES ($1, 'org', 'a') RETURNING id`;
        const { rows } = await client.query(insert, [seen?.key ?? 7]);
        await check(async (sql, values) => (await client.query(sql, values)).rows, String(rows[0].id));
        return rows[0].id as number;
      }),
    );
    await until('the token is requested', () => kept.length === 1);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    answerToken(kept[0]);
    expect(await written).toBe(7);
    expect(world.receiver.requests).toEqual([]);
    expect(await deliveriesOf(world.db.pool, id)).toEqual([]);
  });
});
