// Tests that the deliveries or errors that a filter selects are resent or deleted through the API, and that the progress is shown.
import type { GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stepBulkAction } from '../../src/webhooks/base/store/bulk-actions.js';
import type { Actor } from '../../src/webhooks/index.js';
import { insertAttempt, insertDeliveries } from '../support/engine-rows.js';
import { recordStatements } from '../support/record-statements.js';
import { owner, stranger } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';

let world: ApiWorld;
let schema: GraphQLSchema;
beforeAll(async () => {
  world = await apiWorld();
  Object.assign(world.engine.host, { nodes: [{ typename: 'Thing', key: ['id'], columns: {}, table: {}, tenant: {} }] });
  schema = world.api().schema;
});
afterAll(() => world.db.close());

it('resends and deletes what a filter of a list selects, and shows how far it is', async () => {
  const actor = { ...owner, userId: 'bulk actor' };
  const subscription = await world.create({}, actor);
  const deliveries = await insertDeliveries(world.db.pool, subscription, 3, { state: 'FAILED', attemptCount: 1 });
  await insertAttempt(world.db.pool, deliveries[0] as string, { stage: 'STATUS', status: 500 });
  await insertAttempt(world.db.pool, deliveries[1] as string, { stage: 'CONNECT' });
  const FIELDS = 'errors { field message type path } webhookBulkAction { id kind state matchedCount doneCount progress finishedAt }';
  const mutate = async (call: string, as: Actor = actor) => {
    const { data, errors } = await ask(schema, `mutation { it: ${call} { ${FIELDS} } }`, { actor: as });
    expect(errors).toBeUndefined();
    return data.it;
  };
  const read = async (source: string) => (await ask(schema, source, { actor })).data.it;
  const resend = await mutate('resendWebhookDeliveries(input: { responseStatusMin: 500, states: [FAILED], nodeId: "Thing:1" })');
  expect(resend).toEqual({
    errors: [],
    webhookBulkAction: {
      id: expect.any(String),
      kind: 'RESEND',
      state: 'RUNNING',
      matchedCount: 1,
      doneCount: 0,
      progress: 0,
      finishedAt: null,
    },
  });
  const many = `resendWebhookDeliveries(input: { ids: [${deliveries.map((id) => `"WebhookDelivery:${id}"`)}], asNew: true })`;
  expect(await mutate(many)).toMatchObject({ webhookBulkAction: { kind: 'RESEND_AS_NEW', matchedCount: 3 } });
  expect(await mutate(many, { ...actor, userId: 'nobody' })).toMatchObject({ errors: [{ type: 'NOT_FOUND' }], webhookBulkAction: null });
  const tooMany = `resendWebhookDeliveries(input: { ids: [${Array(1_001).fill('"1"')}] })`;
  expect(await mutate(tooMany)).toMatchObject({ errors: [{ field: 'ids', path: ['input', 'ids'] }], webhookBulkAction: null });
  expect(await mutate('deleteMatchingWebhookErrors(input: { stage: STATUS })')).toMatchObject({
    webhookBulkAction: { kind: 'DELETE_ERRORS', matchedCount: 1 },
  });
  while (await stepBulkAction(world.db.pool, 2));
  const { statements, stop } = recordStatements(world.db.pool);
  const { nodes, totalCount } = await read('{ it: webhookBulkActions { totalCount nodes { kind state doneCount progress finishedAt } } }');
  stop();
  expect([nodes, totalCount]).toEqual([
    [
      ['DELETE_ERRORS', 1],
      ['RESEND_AS_NEW', 3],
      ['RESEND', 1],
    ].map(([kind, doneCount]) => ({
      ...{ kind, doneCount, state: 'DONE', progress: 1 },
      finishedAt: expect.anything(),
    })),
    3,
  ]);
  expect(statements).toHaveLength(2);
  expect(await mutate(`cancelWebhookBulkAction(id: "${resend.webhookBulkAction.id}")`)).toMatchObject({
    errors: [{ message: 'the action has already ended' }],
  });
  expect(await mutate('cancelWebhookBulkAction')).toMatchObject({ errors: [{ field: 'id', type: 'BLANK' }] });
  const { data } = await ask(schema, `{ webhookBulkAction(id: "${resend.webhookBulkAction.id}") { doneCount } }`, { actor: stranger });
  expect(data.webhookBulkAction).toBeNull();
  expect((await read('{ it: webhookErrors { nodes { stage } } }')).nodes).toEqual([{ stage: 'CONNECT' }]);
});
