import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sendable } from '../../../src/webhooks/base/compiled.js';
import { wipeOldSecrets } from '../../../src/webhooks/base/store/secrets.js';
import { loadForSending, subscriptionsByIds } from '../../../src/webhooks/base/store/subscriptions.js';
import { rotateSecret } from '../../../src/webhooks/operations/rotate-secret.js';
import { deleteSubscription, type SubscriptionInput, updateSubscription } from '../../../src/webhooks/operations/save.js';
import { colleague, owner, stranger, type ThingEngine, thingEngine } from './save/thing-engine.js';

let t: ThingEngine;
beforeAll(async () => {
  t = await thingEngine();
});
afterAll(() => t.db.close());

const rotate = (id: string, sharedSecret: string | null, overlapSeconds: number | null = 3600, actor = owner) =>
  rotateSecret(t.engine, actor, id, { sharedSecret, overlapSeconds });
const update = (id: string, input: SubscriptionInput) => updateSubscription(t.engine, owner, id, input);
const read = async (id: string) => (await subscriptionsByIds(t.db.pool, owner, [id])).get(id);
/** Returns the current secret and then the old secrets, newest first, as the worker reads them. */
async function secretsOf(id: string): Promise<(string | undefined)[]> {
  const { secrets } = (await loadForSending(t.engine, [id])).get(id) as Sendable;
  return [secrets.sharedSecret, ...(secrets.oldSecrets ?? []).map(({ secret }) => secret)];
}
const rowsOf = async (id: string) =>
  (await t.db.pool.query('SELECT field, expires_at FROM hookgraph.secrets WHERE subscription_id = $1 ORDER BY field', [id])).rows;
const endOverlap = (id: string) =>
  t.db.pool.query(
    `UPDATE hookgraph.secrets SET expires_at = now() - interval '1 ms' WHERE subscription_id = $1 AND expires_at IS NOT NULL`,
    [id],
  );

describe('a rotation', () => {
  it('keeps the old secret beside the new one until its end, which the subscription shows', async () => {
    const id = await t.create({ sharedSecret: 'one', headers: [{ name: 'X-Key', value: 'kept' }] });
    const before = Date.now();
    const { subscription, problems } = await rotate(id, 'two', 3600);
    expect(problems).toEqual([]);
    expect(subscription).toMatchObject({ version: 2, secretFields: ['headers', 'sharedSecret'] });
    const endsMs = subscription?.rotationEndsAt?.getTime() ?? 0;
    expect(Math.abs(endsMs - before - 3_600_000)).toBeLessThan(60_000);
    expect(await secretsOf(id)).toEqual(['two', 'one']);
    expect((await loadForSending(t.engine, [id])).get(id)?.secrets.headers).toEqual({ 'X-Key': 'kept' });

    await endOverlap(id);
    expect(await secretsOf(id)).toEqual(['two']);
    expect((await read(id))?.rotationEndsAt).toBeNull();
  });

  it('is told in the audit log, without either secret', async () => {
    const id = await t.create({ signatures: ['STANDARD_WEBHOOKS'], sharedSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
    await rotate(id, 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=', 60);
    const { rows } = await t.db.pool.query(
      'SELECT action, version_before, version_after, changes, message FROM hookgraph.audit_log WHERE subscription_id = $1 ORDER BY id',
      [id],
    );
    const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';
    expect(rows[1]).toEqual({
      action: 'UPDATED',
      version_before: 1,
      version_after: 2,
      changes: [
        { field: 'sharedSecret', before: null, after: null, secret: true },
        { field: 'publicKey', before: null, after: publicKey },
      ],
      message: expect.stringMatching(/^The old secret signs, too, until \d{4}-.*Z\.$/),
    });
  });

  it('lasts a day where nothing is said, and none at all where it is told so', async () => {
    const id = await t.create({ sharedSecret: 'one' });
    const { subscription } = await rotate(id, 'two', null);
    expect(Math.abs((subscription?.rotationEndsAt?.getTime() ?? 0) - Date.now() - 86_400_000)).toBeLessThan(60_000);
    expect((await rotate(id, 'three', 0)).subscription?.rotationEndsAt).toBeNull();
    expect(await secretsOf(id)).toEqual(['three']);
    expect(await rowsOf(id)).toEqual([{ field: 'sharedSecret', expires_at: null }]);
  });

  it('during another leaves each old secret its own end, up to three of them', async () => {
    const id = await t.create({ sharedSecret: 'one' });
    await rotate(id, 'two', 7200);
    await rotate(id, 'three', 60);
    await rotate(id, 'four', 60);
    expect(await secretsOf(id)).toEqual(['four', 'three', 'two', 'one']);
    expect((await rotate(id, 'five')).problems).toMatchObject([{ field: 'base', message: expect.stringContaining('3 old secrets') }]);
    // The shorter overlaps end first; the subscription shows the longest one.
    await t.db.pool.query(`UPDATE hookgraph.secrets SET expires_at = now() WHERE subscription_id = $1 AND field <> 'sharedSecret@1'`, [id]);
    await t.db.pool.query(`UPDATE hookgraph.secrets SET expires_at = NULL WHERE subscription_id = $1 AND field = 'sharedSecret'`, [id]);
    expect(await secretsOf(id)).toEqual(['four', 'one']);
    expect((await rotate(id, 'five')).problems).toEqual([]);
    expect(await secretsOf(id)).toEqual(['five', 'four', 'one']);
  });

  it('ends when the secret is set by hand, and goes on through every other save', async () => {
    const id = await t.create({ sharedSecret: 'one', template: '{"a":0}' });
    await rotate(id, 'two');
    expect((await update(id, { template: '{"a":1}', sharedSecret: 'two' })).problems).toEqual([]);
    expect(await secretsOf(id)).toEqual(['two', 'one']);
    await update(id, { sharedSecret: 'three' });
    expect(await secretsOf(id)).toEqual(['three']);
    expect((await read(id))?.rotationEndsAt).toBeNull();
    await rotate(id, 'four');
    await update(id, { sharedSecret: null });
    expect(await rowsOf(id)).toEqual([]);
  });

  it('and a save that race both hold', async () => {
    const id = await t.create({ sharedSecret: 'one', template: '{"a":0}' });
    const results = await Promise.all([
      update(id, { template: '{"a":1}' }),
      rotate(id, 'two'),
      update(id, { errorTemplate: 'x' }),
      rotate(id, 'three'),
    ]);
    expect(results.flatMap(({ problems }) => problems)).toEqual([]);
    expect(await read(id)).toMatchObject({ version: 5, definition: { template: '{"a":1}', errorTemplate: 'x' } });
    const [current, ...old] = await secretsOf(id);
    expect([current, ...old].sort()).toEqual(['one', 'three', 'two']);
    expect(old.at(-1)).toBe('one');
  });

  it('brings the public key of a private one along', async () => {
    const id = await t.create({ signatures: ['STANDARD_WEBHOOKS'], sharedSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
    await rotate(id, 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=');
    expect((await read(id))?.definition.publicKey).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=');
  });
});

describe('an old secret is wiped', () => {
  it('by the hourly task, only when its overlap has ended', async () => {
    const [id, other] = await Promise.all([t.create({ sharedSecret: 'one' }), t.create({ sharedSecret: 'one' })]);
    await Promise.all([rotate(id, 'two'), rotate(other, 'two')]);
    await endOverlap(id);
    expect((await rowsOf(id)).map(({ field }) => field)).toEqual(['sharedSecret', 'sharedSecret@1']);
    expect(await wipeOldSecrets(t.db.pool)).toBeGreaterThan(0);
    expect((await rowsOf(id)).map(({ field }) => field)).toEqual(['sharedSecret']);
    expect((await rowsOf(other)).map(({ field }) => field)).toEqual(['sharedSecret', 'sharedSecret@1']);
  });

  it('by the next save of the definition, and with its subscription', async () => {
    const id = await t.create({ sharedSecret: 'one' });
    await rotate(id, 'two');
    await endOverlap(id);
    await update(id, { template: '{"a":1}' });
    expect((await rowsOf(id)).map(({ field }) => field)).toEqual(['sharedSecret']);
    await rotate(id, 'three');
    await deleteSubscription(t.engine, owner, id);
    expect(await rowsOf(id)).toEqual([]);
  });
});

describe('a rotation is refused', () => {
  it.each<[string, string | null, number | null, string]>([
    ['without a secret', null, 60, 'sharedSecret'],
    ['to an empty secret', '', 60, 'sharedSecret'],
    ['to the secret that is in force', 'one', 60, 'sharedSecret'],
    ['to half a character', '\ud800', 60, 'sharedSecret'],
    ['with an overlap that ends before it begins', 'two', -1, 'overlapSeconds'],
    ['with an overlap of more than 30 days', 'two', 2_592_001, 'overlapSeconds'],
  ])('%s', async (_what, secret, seconds, field) => {
    const id = await t.create({ sharedSecret: 'one' });
    expect((await rotate(id, secret, seconds)).problems).toMatchObject([{ field }]);
    expect(await read(id)).toMatchObject({ version: 1, rotationEndsAt: null });
  });

  it('where there is nothing to rotate, where the schemes need another secret, and to one that still signs', async () => {
    expect((await rotate(await t.create(), 'two')).problems).toMatchObject([{ field: 'base' }]);
    const id = await t.create({ signatures: ['STANDARD_WEBHOOKS'], sharedSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
    expect((await rotate(id, 'a secret, in words')).problems).toMatchObject([{ field: 'sharedSecret' }]);
    await rotate(id, `whsec_${Buffer.alloc(32).toString('base64')}`);
    const back = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    expect((await rotate(id, back)).problems).toMatchObject([{ message: expect.stringContaining('rotate with `overlapSeconds: 0`') }]);
    expect((await rotate(id, back, 0)).problems).toEqual([]);
    expect(await secretsOf(id)).toEqual([back]);
  });

  it('to everybody but its owner', async () => {
    const id = await t.create({ sharedSecret: 'one' });
    for (const actor of [colleague, stranger]) expect((await rotate(id, 'two', 60, actor)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    expect((await rotate('no uuid', 'two')).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    expect((await rotate(id, 'two', 60, { ...owner, canManageWebhooks: false })).problems).toMatchObject([{ type: 'FORBIDDEN' }]);
    expect(await secretsOf(id)).toEqual(['one']);
  });
});
