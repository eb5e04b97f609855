// Tests the event in templates: operation, changed fields, old and new values and the actor, but no value that the owner may not read.
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseJson } from '../../src/runtime/exact-json.mjs';
import { createAskHooks } from '../../src/webhooks/ask-hooks.js';
import { readChange } from '../../src/webhooks/gate/change.js';
import { findHooks } from '../../src/webhooks/gate/find-hooks.js';
import { createSubscription, previewSubscription, replayEvents, testSubscription } from '../../src/webhooks/index.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { KEEPER, type ShopWorld, startShopWorld } from '../support/shop-world.js';

let world: ShopWorld;
beforeAll(async () => {
  world = await startShopWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const sql = (text: string, values: unknown[] = []) => world.db.pool.query(text, values);
/** Parses each body. A number that a double can't hold becomes a text with its digits. */
const bodies = async (count: number) =>
  (await world.receiver.waitFor(count)).map(({ body }) => JSON.parse(JSON.stringify(parseJson(body))));
const EVENT = '{{ event | json }}';
const ROW = `(7, 1, 'Attic', 'old@example.org', '1', 'n', 'geheim', 5, 750727362669608961.10)`;
const insert = () => sql(`INSERT INTO spaces (space_id, shop_id, name, email, phone, notes, secret, owner_id, total) VALUES ${ROW}`);

const start = (template = EVENT, topic = 'space/updated') => world.subscribe({ topic: { key: topic }, template });

describe('an event', () => {
  it('is told by GraphQL names, with old and new values, digits kept, and no column that the type does not show', async () => {
    await start();
    await insert();
    const client = await world.db.pool.connect();
    await client.query(`BEGIN`);
    await client.query(`SELECT set_config('hookgraph.context', '{"actor":{"userId":"ann","big":9007199254740993}}', true)`);
    await client.query(`UPDATE spaces SET email = 'new@example.org', secret = 'neu' WHERE space_id = 7`);
    await client.query('COMMIT');
    client.release();
    await world.work();
    const row = {
      id: 7,
      shopId: 1,
      name: 'Attic',
      email: 'old@example.org',
      phone: '1',
      notes: 'n',
      owner: 5,
      total: '750727362669608961.10',
    };
    expect(await bodies(1)).toEqual([
      {
        operation: 'updated',
        changed: ['email'],
        before: row,
        after: { ...row, email: 'new@example.org' },
        actor: { userId: 'ann', big: '9007199254740993' },
      },
    ]);
  });

  it('of a creation has nothing before, of a deletion nothing after', async () => {
    await start(
      '{"o": {{ event.operation | json }}, "c": {{ event.changed | json }}, "b": {{ event.before.name | json }}, "a": {{ event.after.name | json }}, "who": {{ event.actor | json }}}',
      'space/created',
    );
    await world.subscribe({
      topic: { key: 'space/deleted' },
      template: '{"b": {{ event.before.name | json }}, "a": {{ event.after | json }}}',
    });
    await insert();
    await sql('DELETE FROM spaces');
    await world.work();
    expect(await bodies(2)).toEqual(
      expect.arrayContaining([
        { o: 'created', c: [], b: null, a: 'Attic', who: null },
        { b: 'Attic', a: null },
      ]),
    );
  });

  it('is read by validation and error templates as well', async () => {
    const id = await world.subscribe({
      topic: { key: 'space/updated' },
      validationTemplate: '{% if event.changed contains "email" and event.before.email != nil %}true{% else %}false{% endif %}',
      errorTemplate: '{{ event.operation }} {{ event.before.email }} {{ status }}',
    });
    await insert();
    await sql(`UPDATE spaces SET phone = '2'`);
    await sql(`UPDATE spaces SET email = 'new@example.org'`);
    await world.work();
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id)).map(({ state }) => state)).toEqual(['SKIPPED', 'RETRYING']);
    const { rows } = await sql(`SELECT message FROM hookgraph.attempts WHERE stage = 'ERROR_TEMPLATE'`);
    expect(rows).toEqual([{ message: 'updated old@example.org 200' }]);
  });

  it('that an error template alone reads is loaded for it', async () => {
    const id = await world.subscribe({ topic: { key: 'space/created' }, errorTemplate: '{{ event.after.name }}' });
    await insert();
    await world.work();
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id)).map(({ state }) => state)).toEqual(['RETRYING']);
    expect((await sql('SELECT message FROM hookgraph.attempts')).rows).toEqual([{ message: 'Attic' }]);
  });
});

/** Records the texts of all statements from now on. */
function recordStatements(): string[] {
  const { pool } = world.webhooks.engine;
  const texts: string[] = [];
  const original = pool.query;
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown;
  onTestFinished(() => {
    pool.query = original;
  });
  pool.query = ((...given: unknown[]) => {
    texts.push(typeof given[0] === 'string' ? given[0] : (given[0] as { text: string }).text);
    return query(...given);
  }) as never;
  return texts;
}

/** Whether a statement reads events by their ids. */
/** Whether the statement reads events for templates; statements of replays, which also read events, don't count. */
const isLookUp = (text: string) => /hookgraph\.events e WHERE e\.id = i\.id/.test(text) && !text.includes('replay');

describe('only for templates that read them', () => {
  const rounds = async (template: string | null, count = 40) => {
    const id = await world.subscribe({ topic: { key: 'space/created' }, template });
    await sql(`INSERT INTO spaces (space_id, shop_id, name, email) SELECT i, 1, 'x', 'y' FROM generate_series(1, $1::int) i`, [count]);
    const texts = recordStatements();
    await world.work();
    await world.receiver.waitFor(count);
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id)).filter(({ state }) => state === 'DELIVERED').length).toBe(count);
    return texts;
  };

  it('rows are read in batches, and the owner is asked for the fields that a template names, once', async () => {
    const texts = await rounds('{"e": {{ event.after.email | json }}, "n": "{{ event.after["name"] }}"}');
    expect(texts.filter(isLookUp).length).toBeLessThan(20);
    expect(world.asked.length).toBe(40);
  });

  it('nobody is asked where only the operation, the changed fields or the actor are read', async () => {
    await rounds('{"o": {{ event.operation | json }}, "c": {{ event.changed | json }}, "a": {{ event.actor | json }}}');
    expect(world.asked).toEqual([]);
  });

  it('nothing is loaded where no template reads the event, though the word stands in it', async () => {
    const texts = await rounds('{"event": {{ notification.topic | json }}}');
    expect(texts.filter(isLookUp)).toEqual([]);
  });

  it.each([
    '{% assign it = event %}{"e": {{ it.after.email | json }}}',
    '{% assign k = "email" %}{"e": {{ event.after[k] | json }}}',
    '{"e": {{ event["after"]["email"] | json }}}',
    '{% for field in event.after %}{% if field[0] == "email" %}{"e": {{ field[1] | json }}}{% endif %}{% endfor %}',
    '{% assign l = "a,b" | split: "," | where_exp: "x", "event.after.email == \\"y\\"" %}{"e": {% if l.size == 2 %}"y"{% endif %}}',
  ])('whichever way it is read: %s', async (template) => {
    await rounds(template, 1);
    expect(await bodies(1)).toEqual([{ e: 'y' }]);
  });
});

describe('for every kind', () => {
  it('TEST and preview tell the last such event; without one, the row as it is', async () => {
    const id = await start();
    await insert();
    const preview = async () =>
      JSON.parse(
        (await previewSubscription(world.webhooks.engine, KEEPER, { id, input: {}, nodeId: 'Space:7' })).report?.request?.body ?? 'null',
      );
    await sql(`UPDATE spaces SET email = 'new@example.org' WHERE space_id = 7`);
    expect(await preview()).toMatchObject({
      operation: 'updated',
      changed: ['email'],
      before: { email: 'old@example.org' },
      after: { email: 'new@example.org' },
    });
    const { report } = await testSubscription(world.webhooks.engine, KEEPER, id);
    expect(JSON.parse(report?.request?.body ?? '')).toMatchObject({ changed: ['email'], before: { email: 'old@example.org' } });
    await sql('DELETE FROM hookgraph.captures');
    expect(await preview()).toMatchObject({
      operation: 'updated',
      changed: [],
      before: null,
      after: { email: 'new@example.org' },
      actor: null,
    });
  });

  it('REPLAY tells the event that happened, not the row as it is', async () => {
    const id = await start('{"b": {{ event.before.name | json }}, "a": {{ event.after.name | json }}}');
    await insert();
    await sql(`UPDATE spaces SET name = 'Loft'`);
    await world.work();
    await bodies(1);
    await sql(`UPDATE spaces SET name = 'Cellar'`);
    await bodies(2);
    const from = new Date(Date.now() - 60_000);
    const { problems } = await replayEvents(world.webhooks.engine, KEEPER, id, { from, to: null, includesDelivered: true });
    expect(problems).toEqual([]);
    const again = (await bodies(4)).slice(2);
    expect(again).toHaveLength(2);
    expect(again).toEqual(
      expect.arrayContaining([
        { b: 'Attic', a: 'Loft' },
        { b: 'Loft', a: 'Cellar' },
      ]),
    );
  });

  it('BEFORE tells what the rehearsal saw, several statements as one change', async () => {
    world.state.overlays = true;
    await insert();
    const saved = await createSubscription(world.webhooks.engine, KEEPER, {
      topic: { key: 'space/updated' },
      callbackUrl: world.receiver.url,
      template: EVENT,
      phase: 'BEFORE',
    } as never);
    expect(saved.problems).toEqual([]);
    const client = await world.db.pool.connect();
    await client.query('BEGIN');
    await client.query(`SELECT set_config('hookgraph.context', '{"actor":{"userId":"bob"}}', true)`);
    await client.query(`UPDATE spaces SET name = 'Loft', phone = '2'`);
    await client.query(`UPDATE spaces SET phone = '1', total = 750727362669608962.5`);
    const change = await readChange(async (text, values) => (await client.query(text, values)).rows, 'Space', '7');
    await client.query('ROLLBACK');
    client.release();
    if (!change) throw new Error('nothing changed');
    const hooks = await findHooks(world.db.pool, { tenant: '1', typenames: ['Space'] });
    const asker = createAskHooks(world.webhooks.engine);
    expect(await asker.ask(hooks, change)).toEqual([]);
    await asker.close();
    expect(await bodies(1)).toMatchObject([
      {
        operation: 'updated',
        changed: ['name', 'total'],
        before: { name: 'Attic', phone: '1', total: '750727362669608961.10' },
        after: { name: 'Loft', phone: '1', total: '750727362669608962.5' },
        actor: { userId: 'bob' },
      },
    ]);
    // Definitions that the cache evicted between two calls are compiled again, so they refuse no write.
    const forgetful = createAskHooks(world.webhooks.engine, { greatestCache: 0 });
    for (const count of [2, 3]) {
      expect(await forgetful.ask(await findHooks(world.db.pool, { tenant: '1', typenames: ['Space'] }), change)).toEqual([]);
      await bodies(count);
    }
    await forgetful.close();
  });
});

it('saving tries templates on an invented event', async () => {
  const save = async (template: string, topic = 'space/updated') =>
    (
      await createSubscription(world.webhooks.engine, KEEPER, {
        topic: { key: topic },
        callbackUrl: world.receiver.url,
        template,
        errorTemplate: '{{ event.before.email | upcase }}',
      })
    ).problems.map(({ severity, message }) => `${severity}: ${message}`);
  expect(await save('{"e": {{ event.before.email | json }}, "i": {{ event.after.id }}, "c": "{{ event.changed | join: "," }}"}')).toEqual(
    [],
  );
  // A column that the type doesn't show renders as empty text, which makes the JSON invalid.
  expect(await save('{"s": {{ event.before.secret }}}')).toEqual([
    expect.stringContaining('warning: reads event.before.secret, but event.before has no "secret"'),
    expect.stringContaining('warning: renders invalid JSON'),
  ]);
  expect(await save('{"s": {{ event.before.id }}}', 'space/created')).toEqual([expect.stringContaining('warning: renders invalid JSON')]);
});
