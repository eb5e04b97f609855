import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadForSending, subscriptionsByIds } from '../../../../src/webhooks/base/store/subscriptions.js';
import { createSubscription } from '../../../../src/webhooks/operations/create.js';
import { type SubscriptionInput, updateSubscription } from '../../../../src/webhooks/operations/save.js';
import { good, owner, type ThingEngine, thingEngine } from './thing-engine.js';

let t: ThingEngine;
beforeAll(async () => {
  t = await thingEngine();
});
afterAll(() => t.db.close());

const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const WHSK = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=';
const WHPK = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';

const read = async (id: string) => (await subscriptionsByIds(t.db.pool, owner, [id])).get(id);
const problemsOf = async (input: SubscriptionInput) => (await createSubscription(t.engine, owner, { ...good, ...input })).problems;

describe('signatures of a subscription', () => {
  it('are SCOPE where nothing is said, each once and in one order where something is, and SCOPE again where it is cleared', async () => {
    const id = await t.create();
    expect((await read(id))?.definition).toMatchObject({ signatures: ['SCOPE'], publicKey: null });
    const twice = { signatures: ['SERVO', 'STANDARD_WEBHOOKS', 'SERVO'] as const, sharedSecret: WHSEC };
    expect((await updateSubscription(t.engine, owner, id, twice)).problems).toEqual([]);
    expect(await read(id)).toMatchObject({ version: 2, definition: { signatures: ['STANDARD_WEBHOOKS', 'SERVO'] } });
    await updateSubscription(t.engine, owner, id, { signatures: ['STANDARD_WEBHOOKS', 'SERVO'] });
    expect((await read(id))?.version).toBe(2);
    for (const signatures of [null, []]) {
      await updateSubscription(t.engine, owner, id, { signatures });
      expect(await read(id)).toMatchObject({ version: 3, definition: { signatures: ['SCOPE'] } });
    }
  });

  it('are SCOPE of a version that was saved before there was a choice, and saving it again changes nothing', async () => {
    const id = await t.create({ sharedSecret: 'hush' });
    await t.db.pool.query(
      `UPDATE hookgraph.subscription_versions SET definition = definition - 'signatures' - 'publicKey' WHERE subscription_id = $1`,
      [id],
    );
    expect((await loadForSending(t.engine, [id])).get(id)?.subscription.definition).toMatchObject({
      signatures: ['SCOPE'],
      publicKey: null,
    });
    await updateSubscription(t.engine, owner, id, good);
    expect((await read(id))?.version).toBe(1);
  });

  it('show the public key of a private one, and nothing of it otherwise', async () => {
    const id = await t.create({ signatures: ['STANDARD_WEBHOOKS'], sharedSecret: WHSK });
    expect((await read(id))?.definition.publicKey).toBe(WHPK);
    await updateSubscription(t.engine, owner, id, { sharedSecret: WHSEC });
    expect((await read(id))?.definition.publicKey).toBeNull();
    // For another scheme, the key is an ordinary text.
    expect((await read(await t.create({ sharedSecret: WHSK })))?.definition.publicKey).toBeNull();
  });
});

describe('a secret that its schemes can not sign with is refused, with how to make one', () => {
  const short = `whsec_${Buffer.alloc(8, 1).toString('base64')}`;
  it.each<[string, SubscriptionInput, object[]]>([
    ['none', { signatures: ['SERVO'] }, [{ field: 'sharedSecret', type: 'BLANK', message: "can't be blank: SERVO needs it to sign" }]],
    [
      'none of Standard Webhooks',
      { signatures: ['STANDARD_WEBHOOKS'] },
      [{ field: 'sharedSecret', type: 'BLANK', message: expect.stringContaining('openssl rand -base64 32') }],
    ],
    [
      'a sentence',
      { signatures: ['STANDARD_WEBHOOKS'], sharedSecret: 'a secret, in words' },
      [{ field: 'sharedSecret', message: expect.stringMatching(/^is not a Standard Webhooks secret: write `whsec_` and the base64/) }],
    ],
    [
      'bad base64',
      { signatures: ['STANDARD_WEBHOOKS'], sharedSecret: 'whsec_MfKQ9r8GKYq' },
      [{ field: 'sharedSecret', message: expect.stringContaining('no padded base64') }],
    ],
    [
      'a public key',
      { signatures: ['STANDARD_WEBHOOKS'], sharedSecret: WHPK },
      [{ field: 'sharedSecret', message: 'is a public key; give the private key, which starts with `whsk_`' }],
    ],
    [
      'half a private key',
      { signatures: ['STANDARD_WEBHOOKS'], sharedSecret: 'whsk_AAAA' },
      [{ field: 'sharedSecret', message: expect.stringContaining('no ed25519 key') }],
    ],
    [
      'two halves that do not belong together',
      { signatures: ['STANDARD_WEBHOOKS'], sharedSecret: `whsk_${Buffer.alloc(64, 9).toString('base64')}` },
      [{ field: 'sharedSecret', message: 'contains a public key that does not belong to its private key' }],
    ],
    [
      'a private key for schemes that share theirs',
      { signatures: ['SCOPE', 'STANDARD_WEBHOOKS', 'SCALR'], sharedSecret: WHSK },
      [{ field: 'sharedSecret', message: expect.stringContaining('Choose a shared secret for SCOPE and SCALR') }],
    ],
    [
      'any for two schemes that write the same header',
      { signatures: ['UP42', 'HTTP_MESSAGE_SIGNATURES'], sharedSecret: WHSEC },
      [{ field: 'signatures', message: expect.stringContaining('create two subscriptions') }],
    ],
    [
      'a short one',
      { signatures: ['STANDARD_WEBHOOKS'], sharedSecret: short },
      [
        {
          field: 'sharedSecret',
          severity: 'warning',
          message: 'is read as base64, and decodes to 8 bytes; Standard Webhooks recommends 24 to 64',
        },
      ],
    ],
  ])('%s', async (_what, input, problems) => {
    expect(await problemsOf(input)).toEqual(problems.map((problem) => expect.objectContaining(problem)));
  });

  it('also when the secret is cleared or the scheme is chosen later', async () => {
    const id = await t.create({ signatures: ['UP42'], sharedSecret: 'a secret, in words' });
    const update = async (input: SubscriptionInput) => (await updateSubscription(t.engine, owner, id, input)).problems;
    expect(await update({ sharedSecret: null })).toMatchObject([{ field: 'sharedSecret', type: 'BLANK' }]);
    expect(await update({ signatures: ['STANDARD_WEBHOOKS'] })).toMatchObject([{ field: 'sharedSecret' }]);
    expect(await update({ signatures: ['STANDARD_WEBHOOKS'], sharedSecret: WHSEC })).toEqual([]);
  });
});
