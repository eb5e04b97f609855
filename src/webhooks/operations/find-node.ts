// A topic and whoever asks -> the node to try it on: the last one of its type, or a given one, that they may read.
import { execute, parse } from 'graphql';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Json, Owner, Snapshot, Topic } from '../base/model.js';
import { newestKeys } from '../base/store/announced-rows.js';
import { OWN_NODE } from '../capture/own-node.js';

export interface FoundNode {
  typename: string;
  nodeKey: string;
  /** The node as it was, where it is gone. */
  overlay: Snapshot[];
}

export type Found = { node: FoundNode } | { problem: Problem };

/** So many of the newest are looked at for one that the owner may read. */
const CANDIDATES = 10;

/** Of a `deleted` topic: the last one that was deleted, as it was then. */
export async function findLastNode(engine: Engine, owner: Owner, topic: Topic): Promise<Found> {
  const candidates = topic.operation === 'deleted' ? await lastDeleted(engine, owner, topic, null) : await lastOnes(engine, owner, topic);
  const node = await firstVisible(engine, owner, candidates);
  if (node) return { node };
  const what = topic.operation === 'deleted' ? `no ${topic.typename} was deleted` : `there is no ${topic.typename}`;
  return { problem: { field: 'base', message: `${what} yet that you may read`, type: 'NOT_FOUND' } };
}

/** `globalId` of a node that is there or, of a `deleted` topic, was. */
export async function findNode(engine: Engine, owner: Owner, topic: Topic, globalId: string): Promise<Found> {
  const named = engine.host.fromGlobalId(globalId);
  const problem = (message: string, type?: Problem['type']): Found => ({ problem: { field: 'nodeId', message, ...(type && { type }) } });
  if (!named || named.key.includes('\0')) return problem('not found', 'NOT_FOUND');
  if (named.typename !== topic.typename)
    return problem(`is the id of a ${named.typename}, and ${topic.key} happens to a ${topic.typename}`);
  const [deleted] = topic.operation === 'deleted' ? await lastDeleted(engine, owner, topic, named.key) : [];
  const asked = deleted ?? { typename: topic.typename, nodeKey: named.key, overlay: [] };
  const node = await firstVisible(engine, owner, [asked]);
  return node ? { node } : problem('not found', 'NOT_FOUND');
}

async function lastOnes({ host, pool }: Engine, owner: Owner, { typename }: Topic): Promise<FoundNode[]> {
  const node = host.nodes.find((one) => one.typename === typename);
  const keys =
    typename === OWN_NODE.typename
      ? await ownSubscriptions({ pool }, owner)
      : node
        ? await newestKeys(pool, node, host.nodes, owner.tenant, CANDIDATES)
        : [];
  return keys.map((nodeKey) => ({ typename, nodeKey, overlay: [] }));
}

/** A subscription never hears about subscriptions to these topics, itself among them. */
async function ownSubscriptions({ pool }: Pick<Engine, 'pool'>, owner: Owner): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT s.id FROM hookgraph.subscriptions s WHERE s.tenant = $1 AND s.owner = $2 AND s.deleted_at IS NULL
       AND s.topic_id NOT IN (SELECT t.id FROM hookgraph.topics t WHERE t.typename = $3)
     ORDER BY s.created_at DESC, s.id DESC LIMIT 1`,
    [owner.tenant, owner.userId, OWN_NODE.typename],
  );
  return rows.map((row) => row.id);
}

async function lastDeleted({ pool }: Engine, owner: Owner, { typename }: Topic, key: string | null): Promise<FoundNode[]> {
  const { rows } = await pool.query<{ nodeKey: string; before: Record<string, Json> }>(
    `SELECT node_key AS "nodeKey", before FROM hookgraph.recorded
     WHERE tenant = $1 AND typename = $2 AND operation = 'deleted' AND before IS NOT NULL AND ($3::text IS NULL OR node_key = $3)
     ORDER BY id DESC LIMIT $4`,
    [owner.tenant, typename, key, key === null ? CANDIDATES : 1],
  );
  return rows.map(({ nodeKey, before }) => ({ typename, nodeKey, overlay: [{ typename, key: nodeKey, columns: before }] }));
}

/** Asked through `node(id:)` as the owner: their rights decide, and nothing here knows them. One execution for all. */
async function firstVisible(engine: Engine, owner: Owner, candidates: FoundNode[]): Promise<FoundNode | null> {
  const { host } = engine;
  const schema = host.schema();
  // A schema without node(id:) has nothing that could tell.
  if (candidates.length === 0 || !schema.getQueryType()?.getFields().node) return candidates[0] ?? null;
  const contextOf = await host.contextFor(owner);
  if (!contextOf) return null;
  const context = contextOf(candidates.flatMap(({ overlay }) => overlay));
  const ids = candidates.map(({ typename, nodeKey }) => host.toGlobalId(typename, nodeKey));
  const fields = ids.map((nodeId, index) => `n${index}: node(id: ${JSON.stringify(nodeId)}) { __typename }`);
  const { data, errors = [] } = await execute({ schema, document: parse(`{ ${fields.join(' ')} }`), contextValue: context });
  const ours = errors.find((error) => host.faultOf(error) === 'ours');
  if (ours) throw new Error(`The last node could not be read for a reason of ours: ${ours.message}`, { cause: ours.originalError ?? ours });
  // An error that isn't a lack of rights is the node's own: the stored query will tell it.
  const failed = new Set(errors.filter((error) => host.faultOf(error) === 'node').map((error) => error.path?.[0]));
  return candidates.find((_, index) => data?.[`n${index}`] || failed.has(`n${index}`)) ?? null;
}
