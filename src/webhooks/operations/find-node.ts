// Finds the node with which a subscription is tested or previewed: a given node, or the newest of the topic's type. The subscription's
// owner must be able to read it.
import { execute, Kind, type SelectionSetNode } from 'graphql';
import { withArticle } from '../../runtime/article.js';
import { sqlFragment } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { AnnouncedNode, Json, Owner, RecordedEvent, Snapshot, Topic } from '../base/model.js';
import { announcedNode, OWN_NODE } from '../base/own-node.js';
import { askFor, finderOf } from '../base/query/finders.js';
import { HOW_TO_RECALL, openContext } from '../base/recall.js';
import { keysWithin, newestKeys } from '../base/store/announced-rows.js';
import { isNode, lastEventOf, rowNow, unrecorded } from '../base/store/recorded-events.js';

export const fitsTopic = sqlFragment('webhooks/fan-out/match.sql', 'fits_topic');

export interface FoundNode {
  typename: string;
  nodeKey: string;
  /** The row of a deleted node as it was before the deletion, for queries that no longer find the node; empty for an existing node. */
  overlay: Snapshot[];
}

export type Found = { node: FoundNode } | { problem: Problem };

/** Number of newest nodes to look up; the newest of them that the owner may read is used. */
const CANDIDATES = 10;

/** Finds the newest node of the topic's type that the owner may read; for a `deleted` topic, the node that was deleted last. */
export async function findLastNode(engine: Engine, owner: Owner, topic: Topic): Promise<Found> {
  const candidates = topic.operation === 'deleted' ? await lastDeleted(engine, owner, topic, null) : await lastOnes(engine, owner, topic);
  const node = await firstVisible(engine, owner, candidates);
  if (node) return { node };
  const what =
    topic.operation === 'deleted'
      ? `no ${topic.typename} that you may read was deleted yet`
      : `there is no ${topic.typename} yet that you may read`;
  const hint = topic.operation === 'deleted' && candidates.length > 0 ? `: ${HOW_TO_RECALL}` : '';
  return { problem: { field: 'base', message: `${what}${hint}`, type: 'NOT_FOUND' } };
}

/** Finds the node with this global id. For a `deleted` topic, a deleted node is found too. */
export async function findNode(engine: Engine, owner: Owner, topic: Topic, globalId: string): Promise<Found> {
  const named = engine.host.fromGlobalId(globalId);
  const problem = (message: string, type?: Problem['type']): Found => ({ problem: { field: 'nodeId', message, ...(type && { type }) } });
  if (!named || named.key.includes('\0')) return problem('does not exist, or you may not read it', 'NOT_FOUND');
  if (named.typename !== topic.typename)
    return problem(`is the id of ${withArticle(named.typename)}, but the topic ${topic.key} is about nodes of the type ${topic.typename}`);
  const [deleted] = topic.operation === 'deleted' ? await lastDeleted(engine, owner, topic, named.key) : [];
  const requested = deleted ?? { typename: topic.typename, nodeKey: named.key, overlay: [] };
  // If the schema has no root field that finds this type by key, the owner's rights can't be checked. The node must then at least belong to
  // the owner's tenant.
  const isOwn = deleted !== undefined || finderOf(engine.host, topic.typename) !== null || (await isWithin(engine, owner, requested));
  const node = isOwn ? await firstVisible(engine, owner, [requested]) : null;
  return node ? { node } : problem('does not exist, or you may not read it', 'NOT_FOUND');
}

/** Finds up to `count` of the newest nodes of the topic's type that the owner may read; for a `deleted` topic, of the deleted nodes. */
export async function recentNodes(engine: Engine, owner: Owner, topic: Topic, count: number): Promise<FoundNode[]> {
  const candidates =
    topic.operation === 'deleted' ? await lastDeleted(engine, owner, topic, null, count) : await lastOnes(engine, owner, topic, count);
  return visibleNodes(engine, owner, candidates);
}

async function isWithin({ host, pool }: Engine, { tenant }: Owner, { typename, nodeKey }: FoundNode): Promise<boolean> {
  const node = announcedNode(host, typename);
  return node !== null && (await keysWithin(pool, node, host.nodes, tenant, [nodeKey])).has(nodeKey);
}

/** Returns the last recorded event of the node that matches the topic; if there is none, an event made from the current row. */
export async function eventOf(engine: Engine, { tenant }: Owner, topic: Topic, { nodeKey }: FoundNode): Promise<RecordedEvent> {
  const { id: topicId, typename, operation } = topic;
  const found = await lastEventOf(engine.pool, { tenant, topicId, typename, key: nodeKey, fits: fitsTopic() });
  if (found) return found;
  const node = announcedNode(engine.host, typename);
  return unrecorded(operation, node && operation !== 'deleted' ? await rowNow(engine.pool, node, nodeKey) : null);
}

async function lastOnes({ host, pool }: Engine, owner: Owner, { typename }: Topic, count = CANDIDATES): Promise<FoundNode[]> {
  const node = host.nodes.find((one) => one.typename === typename);
  const keys =
    typename === OWN_NODE.typename
      ? await ownSubscriptions({ pool }, owner)
      : node
        ? await newestKeys(pool, node, host.nodes, owner.tenant, count)
        : [];
  return keys.map((nodeKey) => ({ typename, nodeKey, overlay: [] }));
}

/** Returns the id of the owner's newest subscription. Leaves out those to `webhook_subscription/…` topics, whose events are never sent. */
async function ownSubscriptions({ pool }: Pick<Engine, 'pool'>, owner: Owner): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT s.id FROM hookgraph.subscriptions s WHERE s.tenant = $1 AND s.owner = $2 AND s.deleted_at IS NULL
       AND s.topic_id NOT IN (SELECT t.id FROM hookgraph.topics t WHERE t.typename = $3)
     ORDER BY s.created_at DESC, s.id DESC LIMIT 1`,
    [owner.tenant, owner.userId, OWN_NODE.typename],
  );
  return rows.map((row) => row.id);
}

async function lastDeleted(
  { pool }: Engine,
  owner: Owner,
  { typename }: Topic,
  key: string | null,
  count = CANDIDATES,
): Promise<FoundNode[]> {
  const { rows } = await pool.query<{ nodeKey: string; before: Record<string, Json> }>(
    `SELECT node_key AS "nodeKey", hookgraph.row_of(layout_id, before) AS before FROM hookgraph.recorded e
     WHERE tenant = $1 AND typename = $2 AND operation = 'deleted' AND fold IS DISTINCT FROM 'PART' AND before IS NOT NULL
       AND ($3::text IS NULL OR (${isNode('$2', '$3')}))
     ORDER BY id DESC LIMIT $4`,
    [owner.tenant, typename, key, key === null ? count : 1],
  );
  return rows.map(({ nodeKey, before }) => ({ typename, nodeKey, overlay: [{ typename, key: nodeKey, columns: before }] }));
}

const TYPENAME: SelectionSetNode = {
  kind: Kind.SELECTION_SET,
  selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }],
};

/**
 * Returns the candidates that the owner may read. Runs the host's root field that finds the type by key, as the owner, once for all
 * candidates.
 */
async function visibleNodes(engine: Engine, owner: Owner, candidates: FoundNode[]): Promise<FoundNode[]> {
  const { host } = engine;
  const [first] = candidates;
  const node = first && (announcedNode(host, first.typename) as AnnouncedNode);
  const finder = first && finderOf(host, first.typename);
  // Without such a root field, the owner's rights can't be checked, so all candidates are returned.
  if (!first || !node || !finder) return candidates;
  const contextOf = await host.contextFor(owner);
  if (!contextOf) return [];
  const contextValue = await openContext(
    host,
    contextOf,
    candidates.flatMap(({ overlay }) => overlay),
  );
  const keys = candidates.map(({ nodeKey }) => nodeKey);
  const question = askFor(host, finder, node, keys, TYPENAME);
  if (question.isEmpty) return [];
  const { data, errors = [] } = await execute({ ...question, schema: host.schema(), contextValue });
  // A node whose resolver throws counts as found, because the stored query then reports the error.
  const failed = new Set(errors.filter((error) => host.faultOf(error) !== 'data').map((error) => error.path?.[0]));
  const isFound = (answer: unknown): boolean => {
    const [found] = Array.isArray(answer) ? answer : [answer];
    return (found as { __typename?: unknown } | null | undefined)?.__typename === node.typename;
  };
  return candidates.filter((_, index) => isFound(data?.[`n${index}`]) || failed.has(`n${index}`));
}

async function firstVisible(engine: Engine, owner: Owner, candidates: FoundNode[]): Promise<FoundNode | null> {
  return (await visibleNodes(engine, owner, candidates))[0] ?? null;
}
