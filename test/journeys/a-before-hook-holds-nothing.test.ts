// Promise: a hanging before-hook holds no connection or lock and fails as its owner chose; it runs again if the row changes meanwhile.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp, testApp } from '../support/app.js';
import { freePort } from '../support/cli.js';
import { cancel, type Hooks, startHooks } from '../support/hooks.js';
import type { Received } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: TestApp;
let hooks: Hooks;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => t.close());
beforeEach(async () => {
  hooks = await startHooks(t);
  return () => hooks.close();
});

const ERRORS = 'errors { field message type }';
const NAME = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }';
const createGroup = async (name: string) =>
  (await t.ask(`mutation ($name: String) { m: createGroup(group: { name: $name }) { ${ERRORS} group { id databaseId } } }`, { name })).data
    ?.m;
const renameGroup = async (id: string, name: string) =>
  (
    await t.ask(`mutation ($id: ID!, $name: String) { m: updateGroup(group: { id: $id name: $name }) { ${ERRORS} group { name } } }`, {
      id,
      name,
    })
  ).data?.m;
const nameOf = async (databaseId: string) =>
  (await t.database.pool.query('SELECT name FROM groups WHERE id = $1', [databaseId])).rows[0]?.name;
const nameIn = ({ body }: Received): string => JSON.parse(body).data.node.name;
const hang = () => {};

describe('a hook that hangs', () => {
  it('holds no connection and no lock, however many writes wait for it', async () => {
    const { group } = await createGroup('Contended');
    const hook = await hooks.subscribe({ topic: 'group/updated', answer: hang, timeoutMs: 10_000 });
    // There are more writes than Prisma's pool has connections.
    const waiting = Array.from({ length: 12 }, (_, n) => renameGroup(group.id, `Waiting ${n}`));
    await hook.waitFor(12);
    const { rows } = await t.database.pool.query(
      `SELECT count(*) FILTER (WHERE xact_start IS NOT NULL)::int AS transactions,
         (SELECT count(*)::int FROM pg_locks l WHERE l.database = a.datid AND l.pid <> pg_backend_pid()) AS locks
       FROM pg_stat_activity a WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY a.datid`,
    );
    expect(rows).toEqual([{ transactions: 0, locks: 0 }]);
    expect(t.app.pool.totalCount - t.app.pool.idleCount).toBe(0);
    // Another client updates the same row and refuses to wait for a lock.
    const client = await t.database.pool.connect();
    await client.query(`SET lock_timeout = '100ms'`);
    await client.query(`UPDATE groups SET name = 'Free' WHERE id = $1`, [group.databaseId]);
    client.release(true);
    expect((await createGroup('Another')).errors).toEqual([]);
    await hook.hangUp();
    // All hooks allow their write now, but each write may change only the row state that its hook was sent.
    const ended = await Promise.all(waiting);
    const written = ended.filter(({ errors }) => errors.length === 0);
    expect(written.length).toBeGreaterThan(0);
    for (const { errors } of ended.filter((one) => !written.includes(one))) expect(errors).toMatchObject([{ type: 'CONFLICT' }]);
  });

  it('lets the write through after its timeout where the policy is ALLOW, and the failure is an error to read', async () => {
    const hook = await hooks.subscribe({ topic: 'group/created', answer: hang, timeoutMs: 150 });
    const { errors, group } = await createGroup('Late but welcome');
    expect(errors).toEqual([]);
    expect(await nameOf(group.databaseId)).toBe('Late but welcome');
    const [told] = await hook.deliveries();
    expect(told).toMatchObject({ kind: 'BEFORE', state: 'FAILED', reason: 'ALLOWED', nodeId: group.id });
    expect(told.attempts).toMatchObject([
      { number: 1, outcome: 'FAILED', stage: 'TIMEOUT', message: 'No complete answer within 0.15 seconds.', request: {}, response: null },
    ]);
    const { data } = await t.ask('query ($id: ID) { webhookErrors(webhookSubscriptionId: $id) { nodes { stage } } }', { id: hook.id });
    expect(data?.webhookErrors.nodes).toEqual([{ stage: 'TIMEOUT' }]);
  });

  it('refuses the write where the policy is REFUSE, and tells the writer no more than that', async () => {
    const hook = await hooks.subscribe({ topic: 'group/created', name: 'Strict', answer: hang, timeoutMs: 150, onFailure: 'REFUSE' });
    const { errors } = await createGroup('Too late');
    expect(errors).toEqual([
      {
        field: 'base',
        message:
          'refused, because the call to the webhook subscription "Strict" failed (stage TIMEOUT); try again later, or ask the owner of the subscription to correct it',
        type: 'HOOK_FAILED',
      },
    ]);
    expect((await t.database.pool.query(`SELECT 1 FROM groups WHERE name = 'Too late'`)).rowCount).toBe(0);
    expect(await hook.deliveries()).toMatchObject([{ state: 'FAILED', reason: 'REFUSED' }]);
  });
});

it('a hook that fails in any other way refuses or allows as its owner decided', async () => {
  const failing = {
    STATUS: { answer: (response: ServerResponse) => void response.writeHead(500).end() },
    ERROR_TEMPLATE: {
      errorTemplate: '{{ body.problem }}',
      answer: (response: ServerResponse) => void response.end('{"problem":"overheated"}'),
    },
    QUERY: { query: NAME },
    TEMPLATE: { query: NAME, template: '{"a": {{ data.node.name }}}' },
    CONNECT: { callbackUrl: `http://127.0.0.1:${await freePort()}/` },
  };
  const stages = Object.keys(failing);
  for (const onFailure of ['ALLOW', 'REFUSE']) {
    const subscribed = [];
    for (const one of Object.values(failing)) subscribed.push(await hooks.subscribe({ topic: 'group/created', onFailure, ...one }));
    // Simulates a schema change after the hook was saved.
    await t.database.pool.query(
      `UPDATE hookgraph.subscription_versions SET definition = jsonb_set(definition, '{query}', '"{ gone }"') WHERE subscription_id = $1`,
      [subscribed[stages.indexOf('QUERY')]?.databaseId],
    );
    const { errors } = await createGroup(`Broken ${onFailure}`);
    expect(errors.map(({ message }: { message: string }) => /\(stage (.*)\)/.exec(message)?.[1])).toEqual(
      onFailure === 'ALLOW' ? [] : stages,
    );
    const told = await Promise.all(subscribed.map((hook) => hook.deliveries()));
    expect(told.map(([{ state, attempts }]) => [state, attempts[0].stage])).toEqual(stages.map((stage) => ['FAILED', stage]));
    for (const hook of subscribed) await hook.update({ disabled: true });
  }
});

it('a hook whose owner is gone is switched off, and stands in nobody’s way', async () => {
  const { data } = await t.ask(
    `mutation { createUser(user: { firstName: "Former" lastName: "Admin" admin: true }) { user { databaseId } } }`,
  );
  const userId = data?.createUser.user.databaseId;
  const hook = await hooks.subscribe({ topic: 'group/created', answer: cancel('no'), onFailure: 'REFUSE' });
  await t.database.pool.query('UPDATE hookgraph.subscriptions SET owner = $2 WHERE id = $1', [hook.databaseId, userId]);
  expect((await createGroup('Theirs')).errors).toMatchObject([{ type: 'CANCELLED' }]);
  await t.database.pool.query('UPDATE users SET disabled = true WHERE id = $1', [userId]);
  expect((await createGroup('Ours')).errors).toEqual([]);
  expect(hook.requests).toHaveLength(1);
  const { rows } = await t.database.pool.query('SELECT status, disabled_reason FROM hookgraph.subscriptions WHERE id = $1', [
    hook.databaseId,
  ]);
  expect(rows).toEqual([{ status: 'DISABLED', disabled_reason: 'OWNER_GONE' }]);
  await t.database.pool.query('UPDATE hookgraph.subscriptions SET owner = $2 WHERE id = $1', [hook.databaseId, t.admin.userId]);
});

it('hooks are asked side by side', async () => {
  const waiting: (() => void)[] = [];
  const answer = (response: ServerResponse) => void waiting.push(() => response.end());
  for (const name of ['a', 'b', 'c']) await hooks.subscribe({ topic: 'group/created', name, answer, timeoutMs: 10_000 });
  const written = createGroup('Asked by three');
  // The hooks answer only after all of them have got their request.
  await until('all three were asked', () => waiting.length === 3);
  for (const end of waiting) end();
  expect((await written).errors).toEqual([]);
});

describe('a row that changes while its hooks are asked', () => {
  it('is asked about once more, as it is by then', async () => {
    const { group } = await createGroup('First');
    const rename = (name: string) => t.database.pool.query('UPDATE groups SET name = $2 WHERE id = $1', [group.databaseId, name]);
    const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name members { totalCount } } } }';
    const hook = await hooks.subscribe({
      topic: 'group/deleted',
      query,
      answer: async (response, request) => {
        if (nameIn(request) === 'First') await rename('Second');
        response.end();
      },
    });
    const { data } = await t.ask(`mutation ($id: ID!) { deleteGroup(group: { id: $id }) { ${ERRORS} } }`, { id: group.id });
    expect(data?.deleteGroup.errors).toEqual([]);
    expect(hook.requests.map(nameIn)).toEqual(['First', 'Second']);
    expect(await nameOf(group.databaseId)).toBeUndefined();
    const jobs = hook.requests.map(({ headers }) => headers['x-scope-webhook-job-id']);
    expect((await hook.deliveries()).map(({ databaseId }) => databaseId).sort()).toEqual([...new Set(jobs)].sort());
  });

  it('is refused by what it has become', async () => {
    const { group } = await createGroup('Harmless');
    const hook = await hooks.subscribe({
      topic: 'group/updated',
      query: NAME,
      answer: async (response) => {
        if (hook.requests.length > 1) return cancel('Not any more.')(response);
        await t.database.pool.query(`UPDATE groups SET name = 'Dangerous' WHERE id = $1`, [group.databaseId]);
        response.end();
      },
    });
    expect((await renameGroup(group.id, 'Renamed')).errors).toMatchObject([{ type: 'CANCELLED' }]);
    expect(await nameOf(group.databaseId)).toBe('Dangerous');
  });

  it('is a conflict when it changes again', async () => {
    const { group } = await createGroup('Restless 0');
    const hook = await hooks.subscribe({
      topic: 'group/updated',
      answer: async (response) => {
        await t.database.pool.query('UPDATE groups SET name = $2 WHERE id = $1', [group.databaseId, `Restless ${hook.requests.length}`]);
        response.end();
      },
    });
    const { errors } = await renameGroup(group.id, 'Calm');
    expect(errors).toMatchObject([{ field: 'base', type: 'CONFLICT', message: expect.stringContaining('try again') }]);
    expect(hook.requests).toHaveLength(2);
    expect(await nameOf(group.databaseId)).toBe('Restless 2');
  });

  it('is not found when it was deleted, and taken when another took its name', async () => {
    const { group } = await createGroup('Vanishing');
    await hooks.subscribe({
      topic: 'group/updated',
      answer: async (response) => {
        await t.database.pool.query('DELETE FROM groups WHERE id = $1', [group.databaseId]);
        response.end();
      },
    });
    expect((await renameGroup(group.id, 'Gone')).errors).toMatchObject([{ field: 'id', type: 'NOT_FOUND' }]);
    await hooks.subscribe({
      topic: 'user/created',
      answer: async (response) => {
        await t.database.pool.query(
          `INSERT INTO users (organization_id, first_name, last_name, email) VALUES ($1, 'A', 'B', 'quick@acme.example')`,
          [t.admin.organizationId],
        );
        response.end();
      },
    });
    const { data } = await t.ask(
      `mutation { createUser(user: { firstName: "A" lastName: "B" email: "quick@acme.example" }) { ${ERRORS} } }`,
    );
    expect(data?.createUser.errors).toMatchObject([{ field: 'email', type: 'TAKEN' }]);
  });
});
