// Tests which topics announced nodes make, and how the stored topics are synchronized.
import { afterEach, describe, expect, it } from 'vitest';
import { OWN_NODE } from '../../../src/webhooks/base/own-node.js';
import { syncTopics, topicsOf } from '../../../src/webhooks/capture/topics.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { thing } from './captured-tables.js';

const keys = (...nodes: Parameters<typeof thing>[0][]) => topicsOf(nodes.map((node) => thing(node))).map(({ key }) => key);

describe('topicsOf', () => {
  it('makes three topics per type, in snake case', () => {
    expect(keys({ typename: 'ScenarioSession' })).toEqual([
      'scenario_session/created',
      'scenario_session/updated',
      'scenario_session/deleted',
    ]);
    expect(keys({ typename: 'HTTPServer2Log', operations: ['created'] })).toEqual(['http_server2_log/created']);
    expect(keys({ typename: 'Thing', topic: 'stuff', operations: ['deleted'] })).toEqual(['stuff/deleted']);
  });

  it('makes lifecycle topics with their rule', () => {
    const lifecycle = [{ topic: 'thing/resumed', column: 'state', from: 'PAUSED', to: 'STARTED' }];
    const [topic] = topicsOf([thing({ operations: [], columns: { state: 'status' }, lifecycle })]);
    expect(topic).toEqual({
      key: 'thing/resumed',
      version: '1.1',
      typename: 'Thing',
      operation: 'updated',
      column_name: 'state',
      from_value: 'PAUSED',
      to_value: 'STARTED',
      description: 'The status of a Thing changed from PAUSED to STARTED.',
    });
  });

  it('announces of the engine’s own types only what tells of trouble', () => {
    expect(topicsOf([OWN_NODE]).map(({ key, column_name, to_value }) => `${key} ${column_name}=${to_value}`)).toEqual([
      'webhook_subscription/disabled status=DISABLED',
      'webhook_subscription/held status=HELD',
      'webhook_subscription/slowed health=SLOWED',
      'webhook_subscription/recovered health=WORKING',
    ]);
  });

  it('refuses two topics of one key, and a lifecycle of a column that is not announced', () => {
    expect(() => keys({}, { typename: 'Thing2', topic: 'thing' })).toThrow(expect.objectContaining({ code: 'TOPIC_ANNOUNCED_TWICE' }));
    const lifecycle = [{ topic: 'thing/paused', column: 'state', to: 'PAUSED' }];
    expect(() => keys({ lifecycle })).toThrow(expect.objectContaining({ code: 'LIFECYCLE_COLUMN_NOT_ANNOUNCED' }));
  });
});

describe('syncTopics', () => {
  let db: TestDatabase;
  afterEach(() => db.close());
  const stored = async () =>
    (await db.pool.query(`SELECT id, key, retired_at IS NOT NULL AS retired, xmin::text FROM hookgraph.topics ORDER BY key`)).rows;

  it('saves, retires and brings back under the same id, and writes nothing when in step', async () => {
    db = await testDatabase();
    expect(await syncTopics(db.pool, [thing()])).toEqual({ saved: 3, retired: 0 });
    const first = await stored();
    expect(await syncTopics(db.pool, [thing()])).toEqual({ saved: 0, retired: 0 });
    expect(await stored()).toEqual(first);
    expect(await syncTopics(db.pool, [thing({ operations: ['created'] })])).toEqual({ saved: 0, retired: 2 });
    expect((await stored()).map(({ key, retired }) => [key, retired])).toEqual([
      ['thing/created', false],
      ['thing/deleted', true],
      ['thing/updated', true],
    ]);
    expect(await syncTopics(db.pool, [])).toEqual({ saved: 0, retired: 1 });
    expect(await syncTopics(db.pool, [thing()])).toEqual({ saved: 3, retired: 0 });
    expect((await stored()).map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  });

  it('is safe to run at the same time, with different lists', async () => {
    db = await testDatabase();
    const many = Array.from({ length: 30 }, (_, index) => thing({ typename: `Thing${index}` }));
    await Promise.all([many, many.toReversed(), many.slice(0, 10), many].map((nodes) => syncTopics(db.pool, nodes)));
    expect(await stored()).toHaveLength(90);
    await syncTopics(db.pool, many);
    expect((await stored()).filter(({ retired }) => retired)).toEqual([]);
  });
});
