// Promise: templates that loop, multiply and fill memory are stopped, are reported as such, and delay no other tenant's deliveries.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSubscription } from '../../src/webhooks/index.js';
import { type EngineWorld, OWNER, QUERY, startEngineWorld } from '../support/engine-world.js';
import { until, untilDone } from '../support/until.js';

let world: EngineWorld;
beforeEach(async () => {
  world = await startEngineWorld({ ownRenderer: true });
});
afterEach(() => world.close());

const DOUBLED = '{% assign a = "x,x" | split: "," %}{% for i in (1..60) %}{% assign a = a | push: a %}{% endfor %}';
/** Templates that attack for a thing named "boom" only, so that the invented data of a save doesn't trigger them. */
const HOSTILE = [
  '{% for i in (1..9999) %}{% for j in (1..9999) %}{{ j | json }}{% endfor %}{% endfor %}',
  '{% assign s = "0123456789" %}{% for i in (1..18) %}{% assign s = s | append: s %}{% endfor %}{{ s | split: "" | sort | join }}',
  `${DOUBLED}{{ a | join }}`,
  `${DOUBLED}{{ a | json }}`,
].map((bomb) => `{% if data.node.name contains "boom" %}${bomb}{% endif %}{}`);

/** Inserts 100 harmless things and resolves when their notifications have arrived. */
async function deliver100(round: string): Promise<void> {
  const before = world.receiver.requests.length;
  await world.insertThings(...Array.from({ length: 100 }, (_, i) => `${round}-${i}`));
  await until(`100 of ${round} arrived`, () => world.receiver.requests.length >= before + 100, { everyMs: 5 });
  expect(new Set(world.receiver.requests.slice(before).map(({ body }) => JSON.parse(body).name)).size).toBe(100);
}

it('neither while they run nor after', async () => {
  const hostile = { ...OWNER, tenant: 'hostile' };
  await world.subscribe({ validationTemplate: '{{ data.node.name != "no" }}', template: '{"name": {{ data.node.name | json }}}' });
  for (const template of HOSTILE) {
    const input = { topic: { key: 'thing/created' }, callbackUrl: `${world.receiver.url}/hostile`, query: QUERY, template };
    expect((await createSubscription(world.webhooks.engine, hostile, input)).problems).toEqual([]);
  }
  const boom = (things: number) =>
    world.db.pool.query(`INSERT INTO public.things (org, name) SELECT 'hostile', 'boom' || i FROM generate_series(1, $1::int) i`, [things]);
  const held = async () =>
    (
      await world.db.pool.query<{ stage: string; message: string; subscription: string }>(
        `SELECT a.stage, a.message, a.subscription_id AS subscription FROM hookgraph.attempts a
         JOIN hookgraph.deliveries d ON d.id = a.delivery_id JOIN hookgraph.subscriptions s ON s.id = d.subscription_id
         WHERE s.tenant = 'hostile' AND d.state = 'HELD'`,
      )
    ).rows;
  await world.work();
  await deliver100('warm-up');

  // Until a template is known as hostile, each of its renders costs the other tenants the start of a process.
  await boom(2);
  await deliver100('unknown yet');
  const stopped = async () => new Set((await held()).map(({ subscription }) => subscription)).size;
  await untilDone('each was stopped', HOSTILE.length, stopped);

  await boom(25);
  const before = (await held()).length;
  await deliver100('during-1');
  await deliver100('during-2');
  // Most hostile renders still wait after 200 harmless renders; if both kinds alternated, no hostile render would be left.
  expect((await held()).length - before).toBeLessThan((27 * HOSTILE.length - before) / 2);
  for (const { stage, message } of await held()) expect([stage, message]).toEqual(['TEMPLATE', expect.stringContaining('limit exceeded')]);
  expect(world.receiver.requests.filter(({ path }) => path.includes('hostile'))).toEqual([]);
});
