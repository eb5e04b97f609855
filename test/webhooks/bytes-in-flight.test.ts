import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BytesInFlight, type Hold, NoRoomForBody, SMALL_BODY } from '../../src/webhooks/bytes-in-flight.js';
import { type Actor, createSubscription } from '../../src/webhooks/index.js';
import { type EngineWorld, OWNER, QUERY, startEngineWorld } from '../support/engine-world.js';
import { startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const a = { subscriptionId: 'a1', tenant: 'a' };
const b = { subscriptionId: 'b1', tenant: 'b' };
const LIMITS = { perSubscription: 300_000, total: 1_000_000 };

/** Takes room for a body; throws if it would have to wait. */
function hold(bytes: BytesInFlight, sender: typeof a, length: number): Hold {
  const taken = bytes.take(sender);
  if (taken instanceof Promise) throw new Error('it must wait');
  taken.resize(length);
  return taken;
}

describe('the memory of large bodies', () => {
  it('is not counted for small ones', () => {
    const bytes = new BytesInFlight(LIMITS);
    for (let count = 0; count < 1_000; count++) hold(bytes, a, SMALL_BODY);
  });

  it('is bounded for a subscription: a body that is larger than expected is put back, and the next waits before it is built', async () => {
    const bytes = new BytesInFlight(LIMITS);
    const held = [hold(bytes, a, 100_000), hold(bytes, a, 100_000), hold(bytes, a, 100_000)];
    const waiting = bytes.take(a);
    expect(waiting).toBeInstanceOf(Promise);
    held[0]?.release();
    const taken = await waiting;
    expect(() => taken?.resize(150_000)).toThrow(NoRoomForBody);
    taken?.release();
    // The other bodies leave 100,000 characters free, and the last body had 150,000, so the next must wait.
    expect(bytes.take(a)).toBeInstanceOf(Promise);
    held[1]?.release();
    held[2]?.release();
    hold(bytes, a, 150_000);
  });

  it('is bounded for a tenant, which leaves as much free as it takes, and in all', () => {
    const bytes = new BytesInFlight({ perSubscription: 1_000_000, total: 1_000_000 });
    for (let count = 0; count < 5; count++) hold(bytes, { ...a, subscriptionId: `a${count}` }, 100_000);
    expect(() => hold(bytes, { ...a, subscriptionId: 'a5' }, 100_000)).toThrow(NoRoomForBody);
    hold(bytes, b, 400_000);
    hold(bytes, { subscriptionId: 'c1', tenant: 'c' }, 100_000);
    expect(() => hold(bytes, { subscriptionId: 'd1', tenant: 'd' }, 100_000)).toThrow(NoRoomForBody);
  });

  it('is given to nobody once the worker stops', async () => {
    const bytes = new BytesInFlight(LIMITS);
    for (let count = 0; count < 3; count++) hold(bytes, a, 100_000);
    const waiting = bytes.take(a);
    bytes.close();
    expect(await waiting).toBeNull();
    expect(await bytes.take(a)).toBeNull();
  });
});

describe('a receiver that hangs', () => {
  let world: EngineWorld;
  beforeAll(async () => {
    world = await startEngineWorld({ settings: { limits: { requestMs: 60_000 } } });
    await world.work();
  });
  afterAll(() => world?.close());

  it('gets few bodies of 1.9 MB at once; neighbours go on, and in the end each arrives once and uncharged', async () => {
    const hanging: (() => void)[] = [];
    let most = 0;
    const hangs = await startReceiver((response) => {
      hanging.push(() => response.end());
      most = Math.max(most, hanging.length);
    });
    const template = '{"a": "{{ data.node.name }}", "b": "{{ data.node.name }}"}';
    const id = await world.subscribe({ callbackUrl: hangs.url, template });
    const other: Actor = { ...OWNER, tenant: 'other' };
    const input = { topic: { key: 'thing/created' }, callbackUrl: world.receiver.url, query: QUERY, template };
    expect((await createSubscription(world.webhooks.engine, other, input)).problems).toEqual([]);
    const insert = (org: string, count: number) =>
      world.db.pool.query(`INSERT INTO public.things (org, name) SELECT $1, repeat('x', 950000) FROM generate_series(1, $2)`, [org, count]);
    await insert('org', 20);
    // The limit of 16,000,000 characters allows eight bodies.
    await until('eight hang', () => hanging.length === 8);
    await insert('other', 3);
    await world.receiver.waitFor(3, 60_000);
    expect([hanging.length, most]).toEqual([8, 8]);
    await until('all have arrived', () => {
      for (const end of hanging.splice(0)) end();
      return hangs.requests.length === 20;
    });
    for (const end of hanging.splice(0)) end();
    const { rows } = await until('all are recorded', async () => {
      const found = await world.db.pool.query(
        `SELECT outcome, number, count(*)::int AS count FROM hookgraph.attempts WHERE subscription_id = $1 GROUP BY 1, 2`,
        [id],
      );
      return found.rows[0]?.count === 20 ? found : null;
    });
    expect(rows).toEqual([{ outcome: 'DELIVERED', number: 1, count: 20 }]);
    await hangs.close();
  });
});
