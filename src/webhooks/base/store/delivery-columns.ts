// Gives SQL for values of a delivery `d` that older rows have in their own columns, and newer LIVE rows only in their event or id.
import { isNode } from './recorded-events.js';

const ofEvent = (column: string) => `coalesce(d.${column}, (SELECT e.${column} FROM hookgraph.events e WHERE e.id = d.event_id), '')`;

/** The type of the delivery's node. It is '' for a moment when an old event is deleted before its deliveries. */
export const TYPENAME = ofEvent('typename');
export const NODE_KEY = ofEvent('node_key');
export const CREATED_AT = 'coalesce(d.created_at, hookgraph.time_of(d.id))';
export const DUE_AT = 'coalesce(d.due_at, hookgraph.time_of(d.id))';

/** Returns SQL for whether the delivery is about this node. IN makes Postgres read the node's events once into a hash table. */
export const isOfNode = (typename: string, key: string): string =>
  `((d.typename = ${typename} AND d.node_key = ${key}) OR (d.node_key IS NULL AND d.event_id IN (
    SELECT e.id FROM hookgraph.events e WHERE ${isNode(typename, key)})))`;
