import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Compiled } from '../../src/webhooks/base/compiled.js';
import { loadForSending } from '../../src/webhooks/base/store/subscriptions.js';
import { compileDefinition } from '../../src/webhooks/compile-definition.js';
import { type SubscriptionInput, testSubscription, updateSubscription } from '../../src/webhooks/index.js';
import { untilAttempts } from '../support/attempts.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { CLIENT_SECRET, type OAuth2Server, startOAuth2Server } from '../support/oauth2-server.js';
import { sendOnce } from '../support/send-once.js';

let world: EngineWorld;
let oauth2: OAuth2Server;
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
  oauth2.asked.length = 0;
  oauth2.wait = async () => {};
  world.receiver.requests.length = 0;
  // Checks the token and its scope as a resource server does.
  world.receiver.answer = async (response, { headers }) => {
    response.writeHead((await oauth2.scopeOf(headers.authorization)) === 'hooks.write' ? 200 : 401).end();
  };
});

const auth = (more: object = {}): SubscriptionInput['auth'] => ({
  oauth2: { tokenUrl: oauth2.tokenUrl, clientId: 'by-header', clientSecret: CLIENT_SECRET, scope: 'hooks.write', ...more },
});
const attempts = (id: string, count: number) => untilAttempts(world.db.pool, id, count);
const off = (id: string) => updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });

describe('an access token', () => {
  it('is fetched once for many deliveries at once, and once more for all of them when it is refused', async () => {
    const id = await world.subscribe({ auth: auth() });
    const names = Array.from({ length: 40 }, (_, i) => `thing ${i}`);
    await world.insertThings(...names);
    await attempts(id, 40);
    expect(oauth2.asked).toHaveLength(1);
    expect(world.receiver.requests).toHaveLength(40);
    oauth2.revokeAll();
    await world.insertThings(...names);
    const all = await attempts(id, 80);
    // The refused request and its repetition are a single attempt.
    expect(all.map(({ outcome, number }) => [outcome, number])).toEqual(all.map(() => ['DELIVERED', 1]));
    expect(oauth2.asked).toHaveLength(2);
    await off(id);
  });

  it('that is refused again is the receiver’s failure: two requests, no third', async () => {
    world.receiver.answer = (response) => void response.writeHead(401).end();
    const id = await world.subscribe({ auth: auth() });
    await world.insertThings('refused');
    const [attempt] = await attempts(id, 1);
    expect(attempt).toMatchObject({
      outcome: 'FAILED',
      stage: 'STATUS',
      message: 'The receiver answered with status 401. Check the credentials of `auth`.',
      status: 401,
    });
    expect(world.receiver.requests).toHaveLength(2);
    await off(id);
  });

  it('that is not given fails the attempt at AUTH, says why, is tried again, and by a save at once', async () => {
    const id = await world.subscribe({ auth: auth({ clientSecret: 'planted-wrong-secret' }) });
    await world.insertThings('refused');
    const [attempt] = await attempts(id, 1);
    expect(attempt).toMatchObject({
      outcome: 'FAILED',
      stage: 'AUTH',
      message: expect.stringMatching(/status 401: invalid_client: client authentication failed\. Check .*clientAuthentication: POST/),
      status: null,
    });
    expect(world.receiver.requests).toEqual([]);
    const { rows } = await world.db.pool.query('SELECT id, state FROM hookgraph.deliveries WHERE subscription_id = $1', [id]);
    expect(rows).toMatchObject([{ state: 'RETRYING' }]);
    await updateSubscription(world.webhooks.engine, OWNER, id, { auth: { oauth2: { clientSecret: CLIENT_SECRET } } });
    await world.insertThings('accepted');
    expect((await attempts(id, 2)).at(-1)).toMatchObject({ outcome: 'DELIVERED', version: 2 });
    await off(id);
  });

  it('is told of by a test as a stage of its own', async () => {
    const id = await world.subscribe({ auth: auth() });
    await world.insertThings('one');
    await attempts(id, 1);
    const shown = { kind: 'OAUTH2', tokenUrl: oauth2.tokenUrl, clientId: 'by-header', scope: 'hooks.write' };
    const told = async () => (await testSubscription(world.webhooks.engine, OWNER, id)).report;
    expect((await told())?.stages.filter(({ stage }) => ['AUTH', 'SEND'].includes(stage))).toMatchObject([
      { stage: 'AUTH', outcome: 'OK', input: shown },
      { stage: 'SEND', outcome: 'OK' },
    ]);
    await updateSubscription(world.webhooks.engine, OWNER, id, { auth: auth({ clientId: 'nobody' }) });
    const report = await told();
    expect(report).toMatchObject({ outcome: 'FAILED', stage: 'AUTH', message: expect.stringContaining('status 401: invalid_client') });
    expect(report?.stages.filter(({ stage }) => ['AUTH', 'SEND'].includes(stage))).toMatchObject([
      { stage: 'AUTH', outcome: 'FAILED', input: { clientId: 'nobody' }, message: report?.message },
      { stage: 'SEND', outcome: 'NOT_RUN' },
    ]);
    await off(id);
  });
});

describe('the deadline', () => {
  const sent = (compiled: Compiled, deadlineMs = 400) => sendOnce(world.webhooks.engine, compiled, deadlineMs);
  async function compiledOf(id: string): Promise<Compiled> {
    const loaded = (await loadForSending(world.webhooks.engine, [id])).get(id);
    if (!loaded) throw new Error('not loaded');
    return (await compileDefinition(world.webhooks.engine, loaded)) as Compiled;
  }

  it('is one for the token and the exchange', async () => {
    const compiled = await compiledOf(await world.subscribe({ auth: auth(), disabled: true }));
    world.receiver.answer = () => {};
    // The token takes half of the deadline. If a second deadline began then, it would end after this timer.
    let isLate = false;
    oauth2.wait = async () => {
      await wait(500);
      setTimeout(() => {
        isLate = true;
      }, 750);
    };
    const slow = await sent(compiled, 1000);
    expect(slow.answer).toMatchObject({ kind: 'NO_REPLY', stage: 'TIMEOUT' });
    expect(isLate).toBe(false);
    oauth2.wait = () => new Promise(() => {});
    const hanging = await sent(compiled);
    // Two timeouts end the request at the same moment; the message may come from either.
    expect(hanging.answer).toMatchObject({
      stage: 'AUTH',
      message: expect.stringMatching(/^The token endpoint gave no .* within 0\.4 seconds\.$/),
    });
  });

  it('the token endpoint lies where deliveries may go, and nowhere else', async () => {
    const compiled = await compiledOf(await world.subscribe({ auth: auth(), disabled: true }));
    const { port } = new URL(oauth2.tokenUrl);
    const moved = { ...compiled, auth: { ...compiled.auth, tokenUrl: `http://[::1]:${port}/token` } } as Compiled;
    expect((await sent(moved)).answer).toMatchObject({ stage: 'AUTH', message: expect.stringContaining('Refused to connect') });
    expect(oauth2.asked).toEqual([]);
  });
});
