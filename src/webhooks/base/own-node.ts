// Announces Hookgraph's own node type, WebhookSubscription, so that owners can subscribe to the failures of their subscriptions.
// Finds announced nodes by name.
import type { AnnouncedNode, Host, PointingRows } from './model.js';

/**
 * A subscription to one of these topics never triggers these topics itself; otherwise two could trigger each other endlessly. See
 * fan-out/match.ts.
 */
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
      description: 'A webhook subscription was disabled by its owner or by a rule.',
    },
    {
      topic: 'webhook_subscription/held',
      column: 'status',
      to: 'HELD',
      description: 'The query or a template of a webhook subscription no longer works; its deliveries are held.',
    },
    {
      topic: 'webhook_subscription/recovered',
      column: 'status',
      to: 'ENABLED',
      description: 'A webhook subscription that was disabled or held sends again.',
    },
  ],
};

/** Returns the host's nodes and OWN_NODE. `schema`: the database schema of Hookgraph's tables. */
export const withOwnNode = (nodes: AnnouncedNode[], schema: string): AnnouncedNode[] => [
  ...nodes.filter(({ typename }) => typename !== OWN_NODE.typename),
  { ...OWN_NODE, table: { ...OWN_NODE.table, schema } },
];

/** Returns the referencing rows that have the tenant of a node's rows; `null` when the row itself or its parent has it. */
export const decidingRows = ({ tenant }: AnnouncedNode): PointingRows | null =>
  'children' in tenant ? tenant.children : 'several' in tenant ? tenant.several : null;

/** The announced node type of this name; `null` when there is none. */
export const announcedNode = ({ nodes }: Pick<Host, 'nodes'>, typename: string): AnnouncedNode | null =>
  typename === OWN_NODE.typename ? OWN_NODE : (nodes.find((node) => node.typename === typename) ?? null);
