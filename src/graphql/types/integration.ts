// Adds the field `webhookSubscriptions` to the host's type by which subscriptions are grouped, such as Integration.

import { cursorOfSubscription, type Engine, WebhooksError } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import { toConnection } from '../connection.js';
import type { WebhookTypes } from './index.js';
import { subscriptionFilterOf } from './subscription.js';

export function addGroups(builder: Builder, access: AccessOf, { subscription, host: { integration } }: WebhookTypes): void {
  if (!integration) return;
  builder.objectField(integration.ref, 'webhookSubscriptions', (t) =>
    t.connection(
      {
        type: subscription.ref,
        nullable: false,
        description: 'Your subscriptions of this integration, oldest first.',
        args: subscription.args(t.arg),
        resolve: async (row, args, ctx) => {
          const { engine, loaders } = access(ctx);
          const filter = subscriptionFilterOf(engine, args);
          const key = keyOfRow(engine, integration.typename, row);
          const page = await loaders.subscriptionsOf({ filter, page: pageOf(args) }).load(key);
          return toConnection(page, cursorOfSubscription, () => loaders.subscriptionCountOf(filter).load(key));
        },
      },
      subscription.connection,
      subscription.edge,
    ),
  );
}

/**
 * Returns the key of one of the host's objects, whose properties may have the names of GraphQL fields or of columns.
 * @throws WebhooksError `KEY_UNKNOWN` when the object has no key, or the host doesn't announce the type
 */
function keyOfRow({ host }: Engine, typename: string, row: object): string {
  const { key = [], columns = {} } = host.nodes.find((node) => node.typename === typename) ?? {};
  const values = key.map((column) => {
    const { [column]: byColumn, [columns[column] ?? column]: value = byColumn } = row as Record<string, unknown>;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value);
    throw new WebhooksError('KEY_UNKNOWN', `A resolver of ${typename} returned an object without its key, the column ${column}.`);
  });
  if (values.length === 0) throw new WebhooksError('KEY_UNKNOWN', `${typename} is not announced, so its key is unknown.`);
  return values.length === 1 ? (values[0] as string) : JSON.stringify(values);
}
