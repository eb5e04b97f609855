// Tests what every authentication scheme must do: it reaches the receiver in the expected form and leaks nowhere else.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createSubscription,
  type SubscriptionInput,
  subscriptionsByIds,
  testSubscription,
  updateSubscription,
} from '../../src/webhooks/index.js';
import { recorded, recordedText } from '../support/attempts.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { CLIENT_SECRET, type OAuth2Server, startOAuth2Server } from '../support/oauth2-server.js';
import { until } from '../support/until.js';

type AuthInput = NonNullable<SubscriptionInput['auth']>;

interface Scheme {
  name: string;
  input: () => AuthInput;
  /** Checks the header as the receiver does. */
  accepts: (authorization: string | undefined) => boolean | Promise<boolean>;
  /** A change to another secret of the same kind. It keeps all other settings. */
  change: { input: AuthInput; accepts: Scheme['accepts'] };
  /** Everything that the API may show of the settings. */
  shown: () => object;
  secrets: string[];
  /** Invalid inputs, each with the field that its error names. */
  mistakes: [AuthInput, string][];
}

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
const LONG = 'x'.repeat(5000);

let oauth2: OAuth2Server;
const oauth2Scheme = (clientAuthentication: 'BASIC' | 'POST', clientId: string): Scheme => ({
  name: `oauth2, the client known by ${clientAuthentication}`,
  input: () => ({
    oauth2: {
      tokenUrl: oauth2.tokenUrl,
      clientId,
      clientSecret: CLIENT_SECRET,
      scope: 'hooks.write',
      audience: 'here',
      clientAuthentication,
    },
  }),
  accepts: async (value) => (await oauth2.scopeOf(value)) === 'hooks.write' && oauth2.asked.at(-1)?.audience === 'here',
  change: {
    input: { oauth2: { audience: 'there' } },
    accepts: async (value) => (await oauth2.scopeOf(value)) === 'hooks.write' && oauth2.asked.at(-1)?.audience === 'there',
  },
  shown: () => ({ kind: 'OAUTH2', tokenUrl: oauth2.tokenUrl, clientId, scope: 'hooks.write', audience: 'here', clientAuthentication }),
  secrets: [CLIENT_SECRET, new URLSearchParams({ a: CLIENT_SECRET }).toString().slice(2)],
  mistakes: [
    [{ oauth2: { clientId: 'c', clientSecret: 's' } }, 'auth.oauth2.tokenUrl'],
    [{ oauth2: { tokenUrl: 'https://10.0.0.1/token', clientId: 'c', clientSecret: 's' } }, 'auth.oauth2.tokenUrl'],
    [{ oauth2: { tokenUrl: 'http://8.8.8.8/token', clientId: 'c', clientSecret: 's' } }, 'auth.oauth2.tokenUrl'],
    [{ oauth2: { tokenUrl: 'https://8.8.8.8/token', clientSecret: 's' } }, 'auth.oauth2.clientId'],
    [{ oauth2: { tokenUrl: 'https://8.8.8.8/token', clientId: 'c' } }, 'auth.oauth2.clientSecret'],
    [{ oauth2: { tokenUrl: 'https://8.8.8.8/token', clientId: 'c', clientSecret: 's', scope: 'a "b"' } }, 'auth.oauth2.scope'],
    [{ oauth2: { tokenUrl: 'https://8.8.8.8/token', clientId: 'c', clientSecret: 's', audience: LONG } }, 'auth.oauth2.audience'],
  ],
});

const SCHEMES: Scheme[] = [
  {
    name: 'basic',
    input: () => ({ basic: { username: 'hook-user', password: 'pässword: 1' } }),
    accepts: (value) => value === `basic ${base64('hook-user:pässword: 1')}`,
    change: {
      input: { basic: { password: 'another one', scheme: 'Basic' } },
      accepts: (value) => value === `Basic ${base64('hook-user:another one')}`,
    },
    shown: () => ({ kind: 'BASIC', scheme: 'basic' }),
    secrets: ['hook-user', 'pässword: 1', base64('hook-user:pässword: 1')],
    mistakes: [
      [{ basic: {} }, 'auth.basic.username'],
      [{ basic: { username: 'with:colon' } }, 'auth.basic.username'],
      [{ basic: { username: 'u', password: 'line\nbreak' } }, 'auth.basic.password'],
      [{ basic: { username: 'u', password: LONG } }, 'auth.basic.password'],
      [{ basic: { username: 'u', scheme: 'two words' } }, 'auth.basic.scheme'],
    ],
  },
  {
    name: 'token',
    input: () => ({ token: { token: 'token-of-the-receiver' } }),
    accepts: (value) => value === 'token token-of-the-receiver',
    change: { input: { token: { scheme: 'Bearer' } }, accepts: (value) => value === 'Bearer token-of-the-receiver' },
    shown: () => ({ kind: 'TOKEN', scheme: 'token' }),
    secrets: ['token-of-the-receiver'],
    mistakes: [
      [{ token: {} }, 'auth.token.token'],
      [{ token: { token: 'line\r\nX-Other: 1' } }, 'auth.token.token'],
      [{ token: { token: LONG } }, 'auth.token.token'],
      [{ token: { token: 't', scheme: 'a:b' } }, 'auth.token.scheme'],
    ],
  },
  oauth2Scheme('BASIC', 'by-header'),
  oauth2Scheme('POST', 'by-body'),
];

let world: EngineWorld;
beforeAll(async () => {
  oauth2 = await startOAuth2Server();
  world = await startEngineWorld();
  await world.work();
});
afterAll(async () => {
  await world.close();
  await oauth2.close();
});
beforeEach(() => {
  world.receiver.requests.length = 0;
  world.receiver.answer = (response) => void response.end();
});

const read = async (id: string) => (await subscriptionsByIds(world.db.pool, OWNER, [id])).get(id);
const save = (id: string, input: SubscriptionInput) => updateSubscription(world.webhooks.engine, OWNER, id, input);

/** Returns everything that is stored for a subscription, except its encrypted secrets. */
async function stored(id: string): Promise<string> {
  const { rows } = await world.db.pool.query(
    `SELECT v::text AS row FROM hookgraph.subscription_versions v WHERE subscription_id = $1
     UNION ALL SELECT s::text FROM hookgraph.subscriptions s WHERE id = $1`,
    [id],
  );
  return [...rows.map(({ row }) => row), await recordedText(world.db.pool, id)].join('\n');
}

async function nextRequest(id: string, count = 1) {
  await world.insertThings('one');
  await world.receiver.waitFor(count);
  const attempt = await until('it is recorded', async () => {
    return (await recorded(world.db.pool, 'a.subscription_id = $1', id))[count - 1];
  });
  return { request: world.receiver.requests.at(-1), attempt };
}

describe.each(SCHEMES)('$name', ({ input, accepts, change, shown, secrets, mistakes }) => {
  it('is what the receiver expects, recorded without its secrets, even where the receiver repeats them', async () => {
    world.receiver.answer = (response, { headers }) => {
      response.setHeader('x-echo', String(headers.authorization));
      response.end(JSON.stringify({ got: headers.authorization, others: secrets }));
    };
    const id = await world.subscribe({ auth: input() });
    const { request, attempt } = await nextRequest(id);
    const { authorization } = request?.headers ?? {};
    expect(await accepts(authorization)).toBe(true);
    expect(attempt.outcome).toBe('DELIVERED');
    expect(attempt.request?.headers.Authorization).toBe('[redacted]');
    expect(attempt.response?.body).toContain('[redacted]');
    const everything = await stored(id);
    for (const secret of [...secrets, authorization?.split(' ')[1]]) expect(everything).not.toContain(secret);
    await save(id, { disabled: true });
  });

  it('is shown without its secrets, changes in part, and goes when it is cleared', async () => {
    const id = await world.subscribe({ auth: input() });
    expect((await read(id))?.definition.auth).toEqual(shown());
    expect(await read(id)).toMatchObject({ version: 1, secretFields: ['auth'] });
    // Saving the same settings again, or an unrelated field, makes no new version.
    await save(id, { auth: input(), name: 'named' });
    await save(id, { auth: {} });
    expect((await read(id))?.version).toBe(1);
    expect((await save(id, { auth: change.input })).problems).toEqual([]);
    expect(await change.accepts((await nextRequest(id)).request?.headers.authorization)).toBe(true);
    expect((await read(id))?.version).toBe(2);
    await save(id, { auth: null });
    expect(await read(id)).toMatchObject({ version: 3, secretFields: [], definition: { auth: null } });
    expect((await nextRequest(id, 2)).request?.headers.authorization).toBeUndefined();
    await save(id, { disabled: true });
  });

  it('is sent by a test, too', async () => {
    const id = await world.subscribe({ auth: input() });
    await save(id, { disabled: true });
    await world.insertThings('for the test');
    const { report } = await testSubscription(world.webhooks.engine, OWNER, id);
    expect(report?.outcome).toBe('DELIVERED');
    expect(await accepts(world.receiver.requests.at(-1)?.headers.authorization)).toBe(true);
    for (const secret of secrets) expect(JSON.stringify(report)).not.toContain(secret);
  });

  it.each(mistakes)('refuses %j at %s, and says nothing of its secrets', async (auth, field) => {
    const { subscription, problems } = await createSubscription(world.webhooks.engine, OWNER, {
      topic: { key: 'thing/created' },
      callbackUrl: world.receiver.url,
      auth,
    });
    expect(subscription).toBeNull();
    expect(problems.map((problem) => problem.field)).toEqual([field]);
  });

  it('is refused beside a header of the same name', async () => {
    await expect(world.subscribe({ auth: input(), headers: [{ name: 'AUTHORIZATION', value: 'mine' }] })).rejects.toThrow(
      '\\"authorization\\" is set by auth, too',
    );
  });
});

it('there is one of them', async () => {
  await expect(world.subscribe({ auth: { basic: { username: 'u' }, token: { token: 't' } } })).rejects.toThrow('basic and token');
  const id = await world.subscribe({ auth: { basic: { username: 'u' }, token: null } });
  // A change to another kind keeps no settings of the previous kind.
  expect((await save(id, { auth: { token: {} } })).problems).toMatchObject([{ field: 'auth.token.token', type: 'BLANK' }]);
  expect((await read(id))?.definition.auth).toEqual({ kind: 'BASIC', scheme: 'basic' });
});

it('a definition from before there was such a thing loads as having none, and is not new by itself', async () => {
  const id = await world.subscribe();
  await world.db.pool.query(`UPDATE hookgraph.subscription_versions SET definition = definition - 'auth' WHERE subscription_id = $1`, [id]);
  expect((await read(id))?.definition.auth).toBeNull();
  await save(id, { callbackUrl: world.receiver.url });
  expect((await read(id))?.version).toBe(1);
});
