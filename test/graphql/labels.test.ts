import { afterAll, beforeAll, expect, it } from 'vitest';
import { findViewer, hashToken } from '../../src/auth/api-token.js';
import type { Viewer } from '../../src/auth/viewer.js';
import { type TestApp, testApp } from '../support/app.js';
import { insertDeliveries } from '../support/engine-rows.js';
import { owner } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';

let app: TestApp;
let world: ApiWorld;
beforeAll(async () => {
  [app, world] = await Promise.all([testApp(), apiWorld()]);
});
afterAll(async () => {
  await Promise.all([app.close(), world.db.close()]);
});

const VIEWER =
  '{ webhookViewer { userId userLabel organizationLabel canManageWebhooks cannotManageReason token { id name scope expiresAt } } }';

async function viewerOf(token: string): Promise<Viewer> {
  const { viewer } = await findViewer(app.database.pool, token);
  return viewer as Viewer;
}

it('says who sends the request, by which token, and why they may not manage webhooks', async () => {
  const make = `mutation ($t: ApiTokenInput) { createApiToken(apiToken: $t) { token apiToken { databaseId } } }`;
  const made = await app.value(make, { t: { name: 'CI', scope: 'MANAGE_WEBHOOKS', expiresAt: '2099-01-02T03:04:05.000Z' } });
  expect(await app.value(VIEWER, {}, await viewerOf(made.token))).toEqual({
    userId: app.app.webhooks.engine.host.toGlobalId('User', app.admin.userId),
    userLabel: 'Ada Lovelace',
    organizationLabel: 'Acme Training',
    canManageWebhooks: true,
    cannotManageReason: null,
    token: { id: made.apiToken.databaseId, name: 'CI', scope: 'MANAGE_WEBHOOKS', expiresAt: '2099-01-02T03:04:05.000Z' },
  });
  const reading = await app.value(make, { t: { name: 'read', scope: 'READ', expiresAt: null } });
  expect(await app.value(VIEWER, {}, await viewerOf(reading.token))).toMatchObject({
    canManageWebhooks: false,
    cannotManageReason: "The token's scope is READ, but this needs MANAGE_WEBHOOKS.",
    token: { scope: 'READ', expiresAt: null },
  });
  expect(await app.value(VIEWER, {}, app.member)).toMatchObject({
    canManageWebhooks: false,
    cannotManageReason: expect.stringContaining('Only admins'),
    token: null,
  });
  expect(hashToken(made.token)).toHaveLength(64);
});

it('names integrations, environments and nodes by the host’s words, to those who may read them', async () => {
  const create = (type: string, name: string, as?: Viewer) =>
    app.value(
      `mutation ($in: ${type}Input) { create${type}(${type.toLowerCase()}: $in) { ${type.toLowerCase()} { id } } }`,
      { in: { name } },
      as,
    );
  const { integration } = await create('Integration', 'CRM');
  await create('Integration', 'Billing');
  await create('Integration', 'Theirs', app.stranger);
  const { environment } = await create('Environment', 'Production');
  const input = {
    topic: { key: 'user/created' },
    callbackUrl: 'https://8.8.8.8/hook',
    integrationId: integration.id,
    environmentIds: [environment.id],
  };
  const { errors, webhookSubscription } = await app.value(
    `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) {
       errors { message } webhookSubscription { databaseId integrationId integrationLabel environmentIds environmentLabels } } }`,
    { in: input },
  );
  expect(errors).toEqual([]);
  expect(webhookSubscription).toMatchObject({
    integrationId: integration.id,
    integrationLabel: 'CRM',
    environmentIds: [environment.id],
    environmentLabels: ['Production'],
  });
  expect(await app.value('{ webhookIntegrations { id label } }')).toMatchObject([
    { label: 'Billing' },
    { id: integration.id, label: 'CRM' },
  ]);
  expect(await app.value('{ webhookIntegrations(search: "bILL") { label } }')).toEqual([{ label: 'Billing' }]);
  expect(await app.value('{ webhookIntegrations(first: 1) { label } }')).toHaveLength(1);
  expect(await app.value('{ webhookEnvironments { label } }', {}, app.stranger)).not.toContainEqual({ label: 'Production' });
  // A delivery about a node of another organization can't be made, so the row is changed by hand.
  const [own, theirs, none] = await insertDeliveries(app.database.pool, webhookSubscription.databaseId, 3);
  const keyOf = (viewer: Viewer) => viewer.userId;
  await app.database.pool.query(
    `UPDATE hookgraph.deliveries SET typename = 'User', node_key = CASE id WHEN $1 THEN $3 WHEN $2 THEN $4 ELSE gen_random_uuid()::text END WHERE id = ANY ($5)`,
    [own, theirs, keyOf(app.member), keyOf(app.stranger), [own, theirs, none]],
  );
  const { nodes } = await app.value('{ webhookDeliveries { nodes { databaseId nodeLabel event { nodeLabel } } } }');
  const labels = new Map(nodes.map((node: { databaseId: string; nodeLabel: string }) => [node.databaseId, node.nodeLabel]));
  expect([own, theirs, none].map((id) => labels.get(id))).toEqual(['Alain Bloch', null, null]);
});

it('asks the host once for all labels of a list, and needs no host that gives any', async () => {
  const calls: unknown[][] = [];
  const id = await world.create();
  await insertDeliveries(world.db.pool, id, 3);
  const list = '{ webhookDeliveries { nodes { nodeLabel } } webhookViewer { organizationLabel } }';
  const of = async (nodes: { typename: string | null; key: string }[]) => {
    calls.push(nodes);
    return nodes.map(({ typename, key }) => (key === '2' ? null : `${typename} no. ${key}`));
  };
  const named = await ask(world.api({ labels: { of } }).schema, list);
  expect(named.data.webhookDeliveries.nodes.map((node: { nodeLabel: unknown }) => node.nodeLabel).sort()).toEqual([
    'Thing no. 1',
    'Thing no. 3',
    null,
  ]);
  expect(named.data.webhookViewer.organizationLabel).toBe('null no. org');
  expect(calls.flat()).toHaveLength(4);
  expect(calls.length).toBeLessThanOrEqual(2);
  const bare = await ask(world.api().schema, list, { actor: owner });
  expect(bare).toEqual({
    data: { webhookDeliveries: { nodes: Array(3).fill({ nodeLabel: null }) }, webhookViewer: { organizationLabel: null } },
  });
});
