// Promise: no combination of secrets, masked values and bodies by an owner and a receiver blocks the thread that serves all.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { SubscriptionInput } from '../../src/webhooks/index.js';
import { updateSubscription } from '../../src/webhooks/index.js';
import { type AttemptRow, attemptsOf } from '../support/attempts.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

vi.setConfig({ testTimeout: 90_000 });

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
  await world.work();
});
afterAll(() => world?.close());

const run = (length: number) => 'a'.repeat(length);

const HOSTILE: [string, Partial<SubscriptionInput>, string, string, (attempt: AttemptRow & Record<string, unknown>) => void][] = [
  [
    'secrets that share long runs, and an answer of the same letter',
    { headers: Array.from({ length: 31 }, (_, i) => ({ name: `x-${i}`, value: `${run(200)}b${i}${run(200)}` })) },
    'thing',
    run(65_536),
    (row) => expect(row.response_body).toBe('[not recorded]'),
  ],
  [
    'masked values that share long runs, and an answer of the same letter',
    {
      recording: { maskedPaths: ['values'] },
      template: '{"values": [{% for i in (1..60) %}"{{ data.node.name }}b{{ i }}{{ data.node.name }}",{% endfor %} 0]}',
    },
    run(900),
    JSON.stringify({ said: run(60_000) }),
    (row) => expect(row).toMatchObject({ response_body: null, recording: { response: { omitted: 'UNMASKABLE' } } }),
  ],
  [
    'a list of 400,000 numbers, in which a path is looked for',
    { recording: { maskedPaths: ['**.secret'] }, template: '{"values": [{{ data.node.name }}]}' },
    `${'1,'.repeat(400_000)}1`,
    '{}',
    (row) => expect(row).toMatchObject({ request_body: null, response_body: null }),
  ],
  [
    'an answer of escapes within escapes',
    { sharedSecret: 'a-shared-secret-%2525' },
    'thing',
    '%2525'.repeat(13_000),
    (row) => expect(String(row.response_body)).toHaveLength(65_000),
  ],
];

it.each(HOSTILE)('%s', async (_name, input, name, answer, check) => {
  world.receiver.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  const id = await world.subscribe(input);
  const longestMs: number[] = [];
  // Other processes may take the CPU in one round, but hardly in all four; the first round also compiles the code.
  for (let round = 1; round <= 4; round++) {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await world.insertThings(name);
    await until('it is recorded', async () => (await attemptsOf(world.db.pool, id)).length >= round, { timeoutMs: 60_000 });
    delay.disable();
    longestMs.push(delay.max / 1e6);
  }
  const { rows } = await world.db.pool.query('SELECT * FROM hookgraph.attempts WHERE subscription_id = $1', [id]);
  for (const row of rows) {
    expect(row.outcome).toBe('DELIVERED');
    check(row);
  }
  expect(Math.min(...longestMs)).toBeLessThan(200);
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
});
