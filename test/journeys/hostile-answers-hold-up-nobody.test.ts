// Promise: no combination of an owner's secrets and masked values with a receiver's bodies blocks the thread that serves all.
// find-texts.test.ts and mask-body.test.ts count the operations; this file checks that each attempt keeps to their limits.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Attempt, SubscriptionInput } from '../../src/webhooks/index.js';
import { updateSubscription } from '../../src/webhooks/index.js';
import { recorded } from '../support/attempts.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
  await world.work();
});
afterAll(() => world?.close());

const run = (length: number) => 'a'.repeat(length);

const HOSTILE: [string, Partial<SubscriptionInput>, string, string, (attempt: Attempt) => void][] = [
  [
    'secrets that share long runs, and an answer of the same letter',
    { headers: Array.from({ length: 31 }, (_, i) => ({ name: `x-${i}`, value: `${run(200)}b${i}${run(200)}` })) },
    'thing',
    run(65_536),
    (row) => expect(row.response?.body).toBe('[not recorded]'),
  ],
  [
    'masked values that share long runs, and an answer of the same letter',
    {
      recording: { maskedPaths: ['values'] },
      template: '{"values": [{% for i in (1..60) %}"{{ data.node.name }}b{{ i }}{{ data.node.name }}",{% endfor %} 0]}',
    },
    run(900),
    JSON.stringify({ said: run(60_000) }),
    (row) => expect(row).toMatchObject({ response: { body: null, omitted: 'UNMASKABLE' } }),
  ],
  [
    'a list of 400,000 numbers, in which a path is looked for',
    { recording: { maskedPaths: ['**.secret'] }, template: '{"values": [{{ data.node.name }}]}' },
    `${'1,'.repeat(400_000)}1`,
    '{}',
    (row) => expect(row).toMatchObject({ request: { body: null }, response: { body: null } }),
  ],
  [
    'an answer of escapes within escapes',
    { sharedSecret: 'a-shared-secret-%2525' },
    'thing',
    '%2525'.repeat(13_000),
    (row) => expect(String(row.response?.body)).toHaveLength(65_000),
  ],
];

it.each(HOSTILE)('%s', async (_name, input, name, answer, check) => {
  world.receiver.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  const id = await world.subscribe(input);
  await world.insertThings(name);
  const rows = await until('it is recorded', async () => {
    const found = await recorded(world.db.pool, 'a.subscription_id = $1', id);
    return found.length === 1 ? found : null;
  });
  expect(rows).toMatchObject([{ outcome: 'DELIVERED' }]);
  check(rows[0] as Attempt);
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
});
