// Adds names for people, which the host gives: labels of nodes, and lists of the integrations and environments to choose from.
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { HostType } from '../host-types.js';
import type { Labels } from '../label-of.js';
import type { WebhookTypes } from './index.js';

const LABEL = 'for people; `null` when the application gives none, or you may not read it.';

export function addLabels(builder: Builder, access: AccessOf, types: WebhookTypes, labels: Labels): void {
  const { delivery, error, event, report, subscription, host } = types;
  const nodeLabel = { description: `The name of the node ${LABEL}` };
  builder.objectField(delivery.ref, 'nodeLabel', (t) =>
    t.string({ ...nodeLabel, resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).label(typename, nodeKey) }),
  );
  builder.objectField(error.ref, 'nodeLabel', (t) =>
    t.string({ ...nodeLabel, resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).label(typename, nodeKey) }),
  );
  builder.objectField(event.ref, 'nodeLabel', (t) =>
    t.string({ ...nodeLabel, resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).label(typename, nodeKey) }),
  );
  builder.objectField(report, 'nodeLabel', (t) =>
    t.string({ ...nodeLabel, resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).label(typename, nodeKey) }),
  );
  const { integration, environment } = host;
  if (integration) {
    builder.objectField(subscription.ref, 'integrationId', (t) =>
      t.id({
        description: 'The id of the integration that the subscription belongs to.',
        resolve: ({ integrationId: key }, _args, ctx) =>
          key === null ? null : access(ctx).engine.host.toGlobalId(integration.typename, key),
      }),
    );
    builder.objectField(subscription.ref, 'integrationLabel', (t) =>
      t.string({
        description: `The name of the integration ${LABEL}`,
        resolve: ({ integrationId: key }, _args, ctx) => (key === null ? null : access(ctx).label(integration.typename, key)),
      }),
    );
  }
  if (environment) {
    builder.objectField(subscription.ref, 'environmentIds', (t) =>
      t.idList({
        nullable: false,
        description: 'The ids of the environments whose nodes send notifications. An empty list means all environments.',
        resolve: ({ environmentIds }, _args, ctx) =>
          (environmentIds ?? []).map((key) => access(ctx).engine.host.toGlobalId(environment.typename, key)),
      }),
    );
    builder.objectField(subscription.ref, 'environmentLabels', (t) =>
      t.stringList({
        nullable: { list: false, items: true },
        description: `The name of each environment, in the order of \`environments\`, ${LABEL}`,
        resolve: ({ environmentIds }, _args, ctx) => (environmentIds ?? []).map((key) => access(ctx).label(environment.typename, key)),
      }),
    );
  }
  addChoices(builder, access, labels, { webhookIntegrations: integration, webhookEnvironments: environment });
}

const CHOICES = { usual: 50, greatest: 100 };

function addChoices(builder: Builder, access: AccessOf, labels: Labels, fields: Record<string, HostType | null>): void {
  const offered = Object.entries(fields).filter((entry): entry is [string, HostType] => entry[1] !== null);
  if (offered.length === 0) return;
  const choice = builder.objectRef<{ id: string; label: string }>('WebhookChoice').implement({
    description: 'A node that a subscription can refer to, with its name for people.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The global id of the node.' }),
      label: t.exposeString('label', { nullable: false, description: 'The name of the node for people.' }),
    }),
  });
  for (const [name, { typename }] of offered)
    builder.queryField(name, (t) =>
      t.field({
        type: [choice],
        nullable: { list: false, items: false },
        description: `The nodes of the type ${typename} that a subscription can refer to, by name. Empty when the application offers none.`,
        args: {
          search: t.arg.string({ description: 'Only nodes whose name contains this text.' }),
          first: t.arg.int({ description: `The maximum number of nodes: 1–${CHOICES.greatest}. Default: ${CHOICES.usual}.` }),
        },
        resolve: async (_root, { search, first }, ctx) => {
          const { engine } = access(ctx);
          const limit = Math.min(CHOICES.greatest, Math.max(1, first ?? CHOICES.usual));
          const found = (await labels.choices?.({ typename, search: search?.trim() || null, first: limit }, ctx)) ?? [];
          return found.slice(0, limit).map(({ key, label }) => ({ id: engine.host.toGlobalId(typename, key), label }));
        },
      }),
    );
}
