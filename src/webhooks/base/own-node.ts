// The one node of the engine's own that is announced, so that an owner learns of trouble; and what is asked of any announced node.
import type { AnnouncedNode, Host, PointingRows } from './model.js';

/** Its subscribers never hear about subscriptions to its own topics: see fan-out/relay.ts. */
export const OWN_NODE: AnnouncedNode = {
  typename: 'WebhookSubscription',
  table: { schema: 'hookgraph', name: 'subscriptions' },
  key: ['id'],
  columns: {
    owner: 'createdBy',
    name: 'name',
    topic_id: 'topic',
    version: 'version',
    integration_id: 'integration',
    environment_ids: 'environments',
    status: 'status',
    disabled_at: 'disabledAt',
    disabled_reason: 'disabledReason',
    disabled_message: 'disabledMessage',
    broken_at: 'brokenAt',
    broken_reason: 'brokenReason',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
  },
  tenant: { column: 'tenant' },
  softDelete: { column: 'deleted_at' },
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  operations: [],
  lifecycle: [
    {
      topic: 'webhook_subscription/disabled',
      column: 'status',
      to: 'DISABLED',
      description: 'A webhook subscription was disabled, by its owner or by a rule.',
    },
    {
      topic: 'webhook_subscription/held',
      column: 'status',
      to: 'HELD',
      description: 'The definition of a webhook subscription no longer works: its deliveries wait.',
    },
    {
      topic: 'webhook_subscription/recovered',
      column: 'status',
      to: 'ENABLED',
      description: 'A webhook subscription that was disabled or held works again.',
    },
  ],
};

/** What the host announces, and our own; `schema`: where our tables are. */
export const withOwnNode = (nodes: AnnouncedNode[], schema: string): AnnouncedNode[] => [
  ...nodes.filter(({ typename }) => typename !== OWN_NODE.typename),
  { ...OWN_NODE, table: { ...OWN_NODE.table, schema } },
];

/** The rows that decide a row's tenant after the commit; `null`: the row or its parent tells it at once. */
export const decidingRows = ({ tenant }: AnnouncedNode): PointingRows | null =>
  'children' in tenant ? tenant.children : 'several' in tenant ? tenant.several : null;

/** `null`: no announced type has this name. */
export const announcedNode = ({ nodes }: Pick<Host, 'nodes'>, typename: string): AnnouncedNode | null =>
  typename === OWN_NODE.typename ? OWN_NODE : (nodes.find((node) => node.typename === typename) ?? null);
