// SQL for what a delivery `d` of the kind LIVE has in its event or its id, and older rows have in columns of their own.
import { isNode } from './recorded-events.js';

const ofEvent = (column: string) => `coalesce(d.${column}, (SELECT e.${column} FROM hookgraph.events e WHERE e.id = d.event_id), '')`;

/** Its node. Empty for the moment between the deletion of an old event and that of its deliveries. */
export const TYPENAME = ofEvent('typename');
export const NODE_KEY = ofEvent('node_key');
export const CREATED_AT = 'coalesce(d.created_at, hookgraph.time_of(d.id))';
export const DUE_AT = 'coalesce(d.due_at, hookgraph.time_of(d.id))';

/** Returns SQL for whether the delivery is about this node. IN makes Postgres read the node's events once, and hash their ids. */
export const isOfNode = (typename: string, key: string): string =>
  `((d.typename = ${typename} AND d.node_key = ${key}) OR (d.node_key IS NULL AND d.event_id IN (
    SELECT e.id FROM hookgraph.events e WHERE ${isNode(typename, key)})))`;
