// Tests what a receiver may rely on: the schema of a body, the warnings when a save breaks it, and the columns that are sent.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subscriptionsByIds } from '../../../src/webhooks/base/store/subscriptions.js';
import { topicsByIds } from '../../../src/webhooks/base/store/topics.js';
import { egressOf, observedBodies, type Topic, updateSubscription } from '../../../src/webhooks/index.js';
import { breaksOf } from '../../../src/webhooks/operations/contract/compare-schemas.js';
import { inferSchema } from '../../../src/webhooks/operations/contract/infer-schema.js';
import { type EngineWorld, OWNER, QUERY, SDL, startEngineWorld } from '../../support/engine-world.js';
import { until } from '../../support/until.js';

describe('two schemas', () => {
  const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({ type: 'object', properties, required });
  const [text, count, any] = [{ type: 'string' }, { type: 'integer' }, {}];
  const maybe = { type: ['string', 'null'] };
  const colour = (...values: (string | null)[]) => ({ type: 'string', enum: values });

  it.each([
    ['a field is gone', object({ a: text, b: text }), object({ a: text }), ['b is no longer there']],
    ['a field is new', object({ a: text }), object({ a: text, b: text }), []],
    ['a type changed', object({ a: text }), object({ a: count }), ['a was string and is integer now']],
    ['a field may be null', object({ a: text }), object({ a: maybe }), ['a may be null now']],
    ['a field is never null', object({ a: maybe }), object({ a: text }), []],
    ['a field may be absent', object({ a: text }), object({ a: text }, []), ['a may be absent now']],
    ['an enum has a value more', object({ a: colour('R') }), object({ a: colour('R', 'G') }), ['a may have new values now: G']],
    ['an enum has a value less', object({ a: colour('R', 'G') }), object({ a: colour('R') }), []],
    ['an enum is a text', object({ a: colour('R') }), object({ a: text }), ['a may have any value now']],
    ['a whole number was any number', object({ a: { type: 'number' } }), object({ a: count }), []],
    ['a number was a whole one', object({ a: count }), object({ a: { type: 'number' } }), ['a was integer and is number now']],
    ['anything is possible', object({ a: text }), object({ a: any }), ['a may be of any type now']],
    ['anything was possible', object({ a: any }), object({ a: text }), []],
    [
      'in lists',
      object({ a: { type: 'array', items: object({ b: text }) } }),
      object({ a: { type: 'array', items: object({ b: maybe }) } }),
      ['a[].b may be null now'],
    ],
    ['the whole body', { type: 'array', items: text }, object({ a: text }), ['the body was array and is object now']],
  ])('%s', (_, before, after, expected) => {
    expect(breaksOf(before, after)).toEqual(expected);
  });

  it('are inferred from values', () => {
    const values = [
      { a: 1, b: 'x', c: [1, null] },
      { a: 1.5, b: null, c: [] },
    ];
    expect(inferSchema(values)).toEqual({
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: ['string', 'null'] }, c: { type: 'array', items: { type: ['integer', 'null'] } } },
      required: ['a', 'b', 'c'],
    });
    expect(inferSchema([{ a: 1 }, {}])).toEqual({ type: 'object', properties: { a: { type: 'integer' } }, required: [] });
    expect(inferSchema(['x', 1])).toEqual({ anyOf: [{ type: 'string' }, { type: 'integer' }] });
    expect(inferSchema([])).toEqual({});
  });
});

describe('a subscription', () => {
  let world: EngineWorld;
  beforeAll(async () => {
    world = await startEngineWorld();
    world.host.sdl = SDL.replace('name: String', 'name: String title: String! colour: Colour!').concat('enum Colour { RED GREEN }');
  });
  afterAll(() => world.close());

  const save = async (id: string, input: object) => {
    const { problems, subscription } = await updateSubscription(world.webhooks.engine, OWNER, id, input);
    expect(subscription).not.toBeNull();
    return problems.map(({ field, message, severity }) => `${severity} ${field} ${message}`);
  };
  const query = (fields: string) => QUERY.replace('{ name }', `{ ${fields} }`);

  it('is warned when a save breaks its body, and saved all the same', async () => {
    const id = await world.subscribe({ query: query('title colour') });
    expect(await save(id, { query: query('title colour name') })).toEqual([]);
    expect(await save(id, { query: query('colour title: name') })).toEqual([
      'warning query may break receivers: data.node.title may be null now',
      'warning query may break receivers: data.node.name is no longer there',
    ]);
    expect(await save(id, { template: '{"data": {"node": {"title": 7}}}' })).toEqual([
      'warning template may break receivers: data.node.colour is no longer there',
      'warning template may break receivers: data.node.title was string and is integer now',
    ]);
    expect(await save(id, { template: '{"data": {"node": {"title": 8, "more": "{{ data.node.title }}"}}}' })).toEqual([]);
    expect(await save(id, { name: 'renamed' })).toEqual([]);
    expect(await save(id, { contentType: 'XML', template: null })).toEqual([
      'warning contentType may break receivers: the body was JSON and is XML now',
    ]);
  });

  it('has the bodies that its current version sent', async () => {
    const id = await world.subscribe({ query: QUERY, template: '{"is": {{ data.node.name | json }}}' });
    const worker = await world.work();
    await world.insertThings('one', 'two');
    const bodies = async () => (await observedBodies(world.db.pool, OWNER, [id])).get(id) ?? [];
    await until('both are recorded', async () => (await bodies()).length === 2);
    expect((await bodies()).map((body) => JSON.stringify(body)).sort()).toEqual(['{"is":"one"}', '{"is":"two"}']);
    expect(await observedBodies(world.db.pool, { ...OWNER, userId: 'another' }, [id])).toEqual(new Map());
    expect(await save(id, { template: '{"was": {{ data.node.name | json }}}' })).toEqual([
      'warning template may break receivers: is is no longer there',
    ]);
    expect(await bodies()).toEqual([]);
    await worker.stop();
  });

  it('sends the columns that its query selects and its template reads of the event, to a host', async () => {
    const egress = async (input: object) => {
      const id = await world.subscribe(input);
      const subscription = (await subscriptionsByIds(world.db.pool, OWNER, [id])).get(id);
      if (!subscription) throw new Error('the subscription is missing');
      const topic = (await topicsByIds(world.db.pool, [subscription.topicId])).get(subscription.topicId) as Topic;
      const { destination, fields } = await egressOf(world.webhooks.engine, subscription, topic);
      return [
        destination,
        ...fields.map(({ source, typename, field, table, column }) => `${source} ${typename}.${field} ${table} ${column}`),
      ];
    };
    const { host } = new URL(world.receiver.url);
    expect(await egress({ query: null })).toEqual([host, 'PAYLOAD Thing.id public.things id']);
    expect(await egress({ query: query('called: name title __typename'), template: '{"a": "{{ event.before.org }}"}' })).toEqual([
      host,
      'QUERY Thing.name public.things name',
      'EVENT Thing.org public.things org',
      // The field is computed, because no announced column belongs to it.
      'QUERY Thing.title null null',
    ]);
    expect(await egress({ query: QUERY, template: '{{ event | json }}' })).toEqual([
      host,
      'EVENT Thing.id public.things id',
      'EVENT Thing.name public.things name',
      'QUERY Thing.name public.things name',
      'EVENT Thing.org public.things org',
    ]);
    expect(
      await egress({
        callbackUrl: null,
        sqs: { queueArn: 'arn:aws:sqs:eu-central-1:123456789012:q', accessKeyId: 'AKIAAKIAAKIAAKIAAKI1', secretAccessKey: 'x' },
      }),
    ).toEqual(['arn:aws:sqs:eu-central-1:123456789012:q', 'QUERY Thing.name public.things name']);
  });
});
