// Announces Hookgraph's own node type, WebhookSubscription, so that owners can subscribe to the failures of their subscriptions. Finds
// announced node types by name.
import { linkNodes } from './links.js';
import type { AnnouncedNode, Host, PointingRows } from './model.js';

/**
 * Node type of subscriptions. No events are sent about a subscription that itself listens to one of these topics, because two such
 * subscriptions could otherwise trigger each other endlessly; fan-out/match.sql excludes those events.
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
    broken_at: 'heldAt',
    broken_reason: 'heldReason',
    slowed_at: 'slowedAt',
    slowed_reason: 'slowedReason',
    health: 'health',
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
      topic: 'webhook_subscription/slowed',
      column: 'health',
      to: 'SLOWED',
      description: 'The receiver of a webhook subscription fails or asked to slow down, so that its notifications are late.',
    },
    {
      topic: 'webhook_subscription/recovered',
      column: 'health',
      to: 'WORKING',
      description: 'A webhook subscription that was disabled, held or slowed sends at full speed again.',
    },
  ],
};

/**
 * Returns the host's node types, the tables that link them, and WebhookSubscription, whose table is in `schema`, the database schema of
 * Hookgraph's tables.
 */
export const withOwnNode = (nodes: AnnouncedNode[], schema: string): AnnouncedNode[] => [
  ...nodes.filter(({ typename }) => typename !== OWN_NODE.typename),
  ...linkNodes(nodes),
  { ...OWN_NODE, table: { ...OWN_NODE.table, schema } },
];

/**
 * Returns which rows of another type decide the tenant of this type's rows, e.g. memberships; `null` when the row itself, its parent or a
 * SQL expression has the tenant.
 */
export const decidingRows = ({ tenant }: AnnouncedNode): PointingRows | null =>
  'children' in tenant ? tenant.children : 'several' in tenant ? tenant.several : null;

/** Returns the announced node type of this name, or WebhookSubscription; `null` when there is none. */
export const announcedNode = ({ nodes }: Pick<Host, 'nodes'>, typename: string): AnnouncedNode | null =>
  typename === OWN_NODE.typename ? OWN_NODE : (nodes.find((node) => node.typename === typename) ?? null);
