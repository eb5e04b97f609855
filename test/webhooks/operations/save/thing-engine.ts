// Starts an engine on a separate database with one node type, four topics, and users of two organizations.
import { randomBytes } from 'node:crypto';
import { buildSchema } from 'graphql';
import { pino } from 'pino';
import { deadlinesOf } from '../../../../src/webhooks/base/deadlines.js';
import type { Engine } from '../../../../src/webhooks/base/engine.js';
import { createLoops } from '../../../../src/webhooks/base/loops.js';
import { NO_METER } from '../../../../src/webhooks/base/meter.js';
import type { Actor } from '../../../../src/webhooks/base/model.js';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { createVault } from '../../../../src/webhooks/base/secrets/vault.js';
import { createSubscription } from '../../../../src/webhooks/operations/create.js';
import type { SubscriptionInput } from '../../../../src/webhooks/operations/save.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';
import { sharedRenderer } from '../../../support/shared-renderer.js';

export const owner: Actor = { tenant: 'org', userId: 'ann', canManageWebhooks: true };
export const colleague: Actor = { ...owner, userId: 'bob' };
export const stranger: Actor = { ...owner, tenant: 'other' };
export const good: SubscriptionInput = { topic: { key: 'thing/created' }, callbackUrl: 'https://8.8.8.8/hook' };

const schema = buildSchema(`
  interface Node { id: ID! }
  type Thing implements Node { id: ID! name: String }
  type Query { node(id: ID!): Node }
`);

export interface ThingEngine {
  db: TestDatabase;
  engine: Engine;
  /** Creates a subscription from `good` and the input, and returns its id. */
  create(input?: SubscriptionInput, actor?: Actor): Promise<string>;
}

export async function thingEngine(): Promise<ThingEngine> {
  const db = await testDatabase();
  await db.pool.query(
    `INSERT INTO hookgraph.topics (key, version, typename, operation, retired_at) VALUES ('thing/created', '1.9', 'Thing', 'created', NULL),
     ('thing/created', '1.10', 'Thing', 'created', NULL), ('thing/created', '1.11', 'Thing', 'created', now()), ('thing/deleted', '1.0', 'Thing', 'deleted', NULL)`,
  );
  const engine: Engine = {
    pool: db.pool,
    host: {
      schema: () => schema,
      nodes: [],
      toGlobalId: (typename, key) => `${typename}:${key}`,
      fromGlobalId: () => null,
      contextFor: async () => () => ({}),
      faultOf: () => 'data',
    },
    renderer: sharedRenderer(),
    vault: createVault([randomBytes(32)]),
    settings: {
      domain: 'test',
      headerPrefix: 'X-Scope-',
      allowedNetworks: [],
      queryLimits: { fields: 1000, depth: 12, cost: 25_000 },
    },
    deadlines: deadlinesOf(),
    meter: NO_METER,
    loops: createLoops(5_000),
    guard: createGuard({ allowedNetworks: [] }),
    log: pino({ level: 'silent' }),
    capture: { findings: async () => [] },
    random: () => 0.5,
  };
  return {
    db,
    engine,
    async create(input = {}, actor = owner) {
      const { subscription, problems } = await createSubscription(engine, actor, { ...good, ...input });
      if (!subscription) throw new Error(JSON.stringify(problems));
      return subscription.id;
    },
  };
}
