// Promise: keys rotate while everything runs. No request is sent unsigned, nothing is lost, and a process without the key says what to do.
import { createHmac, randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../../src/runtime/log.js';
import type { Logger } from '../../src/runtime/logger.js';
import { createWebhooks, resealSecrets, updateSubscription, type Webhooks } from '../../src/webhooks/index.js';
import { makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

const [old, current] = [randomBytes(32), randomBytes(32)] as [Buffer, Buffer];
const SECRET = 'the shared secret';

let world: EngineWorld;
let logged = '';
const out = new Writable({
  write(chunk, _encoding, done) {
    logged += chunk;
    done();
  },
}) as unknown as NodeJS.WriteStream;
const others: Webhooks[] = [];

/** Opens another process on the same database without checking its keys, as for a process that began before the keys changed. */
function process(keys: Buffer[], rest: { reloadKeys?: () => Promise<Buffer[]>; log?: Logger } = {}): Webhooks {
  const { host, settings } = world.webhooks.engine;
  const webhooks = createWebhooks({ pool: world.db.pool, host, settings, keys, log: pino({ level: 'silent' }), ...rest });
  others.push(webhooks);
  return webhooks;
}

beforeAll(async () => {
  world = await startEngineWorld({ keys: [old] });
});
afterAll(async () => {
  for (const webhooks of others) await webhooks.close();
  await world?.close();
});

const isSigned = ({ headers, body }: { headers: Record<string, unknown>; body: string }, secret = SECRET) =>
  headers['x-scope-hmac-sha256'] === createHmac('sha256', secret).update(body).digest('base64');

it('goes through every moment of a rotation', async () => {
  const { receiver, db } = world;
  const id = await world.subscribe({ sharedSecret: SECRET, headers: [{ name: 'X-Own', value: 'own value' }] });
  const first = await world.work();
  await world.insertThings('before');
  await receiver.waitFor(1);

  // Once a process with the new key has started, the old one keeps sending, but refuses to save a secret without the new key.
  const renewed = process([current, old]);
  await renewed.checkKeys();
  await world.insertThings('the new key is there');
  await receiver.waitFor(2);
  await expect(updateSubscription(world.webhooks.engine, OWNER, id, { sharedSecret: 'another one' })).rejects.toMatchObject({
    code: 'KEYS_MISMATCH',
    hint: expect.stringContaining('HOOKGRAPH_ENCRYPTION_KEYS'),
  });
  // A process that lists the new key second, as in the procedure's first step, encrypts with the new key, too.
  const prepared = process([old, current]);
  const { subscription } = await updateSubscription(prepared.engine, OWNER, id, {
    sharedSecret: SECRET,
    headers: [{ name: 'X-Own', value: 'new' }],
  });
  expect(subscription?.version).toBe(2);
  const { rows } = await db.pool.query('SELECT field, fingerprint FROM hookgraph.secrets ORDER BY field');
  expect(rows).toEqual([
    { field: 'headers', fingerprint: renewed.engine.vault.fingerprints[0] },
    { field: 'sharedSecret', fingerprint: world.webhooks.engine.vault.fingerprints[0] },
  ]);
  await first.stop();

  expect(await resealSecrets(db.pool, { keys: [current, old] })).toMatchObject({ resealed: 1, unneeded: [rows[1]?.fingerprint] });

  // A worker without the key sends nothing, harms nothing, and logs what to do.
  const without = await process([old], { log: createLog('info', out) }).work();
  await world.insertThings('sealed anew');
  await until('it is logged', () => logged.includes('internal error while delivering'));
  expect(logged).toContain("which this process doesn't have");
  expect(logged).toContain('set HOOKGRAPH_ENCRYPTION_KEYS');
  await without.stop();
  const { rows: waiting } = await db.pool.query(
    `SELECT d.state, d.attempt_count, x.status FROM hookgraph.deliveries d JOIN hookgraph.subscriptions x ON x.id = d.subscription_id WHERE d.state <> 'DELIVERED'`,
  );
  expect(waiting).toEqual([{ state: 'PENDING', attempt_count: 0, status: 'ENABLED' }]);
  expect(receiver.requests).toHaveLength(2);

  // A process that finds new keys in its key file needs no restart. The delivery waits for 5 s; makeDue skips the wait.
  const learning = process([old], { reloadKeys: async () => [current, old] });
  const worker = await learning.work();
  await makeDue(db.pool);
  await receiver.waitFor(3);
  await worker.stop();
  expect(receiver.requests.every((request) => isSigned(request))).toBe(true);
  expect(receiver.requests.map(({ headers }) => headers['x-own'])).toEqual(['own value', 'own value', 'new']);
  expect((await updateSubscription(learning.engine, OWNER, id, { sharedSecret: 'another one' })).subscription?.version).toBe(3);
});
