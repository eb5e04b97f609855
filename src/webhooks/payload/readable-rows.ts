// Reads the rows of many events, with the fields that one user may read, by running few queries with the host's own resolvers.
import type { GraphQLError } from 'graphql';
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Engine } from '../base/engine.js';
import type { AnnouncedNode, Json, Owner, RecordedEvent, RowTexts, Snapshot } from '../base/model.js';
import { announcedNode, OWN_NODE } from '../base/own-node.js';
import { askFor, finderOf } from '../base/query/finders.js';
import { openContext } from '../base/recall.js';
import { actorIn, exposedFields } from './build-event.js';
import { selectFields } from './readable-fields.js';
import { executeInTime, throwIfOurs } from './run-query.js';

export interface EventOfNode extends RecordedEvent {
  typename: string;
  nodeKey: string;
}

/** The rows of an event by GraphQL field, with the fields that the user may read; and who wrote. */
export interface ReadableEvent {
  before: Record<string, Json> | null;
  after: Record<string, Json> | null;
  actor: Json;
}

type Open = (overlay: Snapshot[]) => object | Promise<object>;

/**
 * Maximum number of queries for the nodes of one type. A non-null field that the user may not read makes its node `null`; the nodes are
 * then queried again without it.
 */
const MOST_ROUNDS = 5;

/**
 * Returns the readable rows of each event, in order. A field is readable if the host's resolver returns its value to the user, either from
 * the stored row or when the row of the event replaces the stored row. Leaves out rows whose type has no root field that finds its nodes.
 * @throws HostFailed when a resolver or the database of the host fails
 */
export async function readableRows(engine: Engine, owner: Owner, events: EventOfNode[]): Promise<ReadableEvent[]> {
  const contextOf = await engine.host.contextFor(owner);
  const open: Open = (overlay) => openContext(engine.host, contextOf as Open, overlay);
  const readable = new Map<string, Map<string, Set<string>>>();
  for (const typename of contextOf ? new Set(events.map((event) => event.typename)) : []) {
    const node = announcedNode(engine.host, typename);
    const own = events.filter((event) => event.typename === typename);
    if (node) readable.set(typename, await fieldsOfNodes(engine, { tenant: owner.tenant, node, open }, own));
  }
  return events.map(({ typename, nodeKey, before, after, context }) => {
    const node = announcedNode(engine.host, typename);
    const fields = readable.get(typename)?.get(nodeKey);
    const show = (row: RowTexts | null): Record<string, Json> | null => {
      if (!row || !node || !fields) return null;
      const shown = [...exposedFields(engine, node)].filter(([field]) => fields.has(field));
      return Object.fromEntries(shown.map(([field, column]) => [field, parseJson(row[column] ?? 'null') as Json]));
    };
    return { before: show(before), after: show(after), actor: fields ? actorIn(context) : null };
  });
}

/** Returns the readable fields of each node, by key; a node that the user may not read is missing. */
async function fieldsOfNodes(
  engine: Engine,
  { tenant, node, open }: { tenant: string; node: AnnouncedNode; open: Open },
  events: EventOfNode[],
): Promise<Map<string, Set<string>>> {
  const fields = [...exposedFields(engine, node)];
  const keys = [...new Set(events.map(({ nodeKey }) => nodeKey))];
  // Merges the rows of a node's events: takes each column's first value that is not null, because only with it the field can be checked.
  const rows = new Map<string, RowTexts>(keys.map((key) => [key, {}]));
  for (const { nodeKey, before, after } of events)
    for (const row of [after, before])
      for (const [column, text] of Object.entries(row ?? {})) {
        const merged = rows.get(nodeKey) as RowTexts;
        if ((merged[column] ?? 'null') === 'null') merged[column] = text;
      }
  const snapshotOf = (key: string): Snapshot => ({ typename: node.typename, key, columns: parseRow(rows.get(key) ?? {}) });
  const names = fields.map(([field]) => field);
  const found = await ask(engine, { tenant, node, keys, fields: names }, () => open(keys.map(snapshotOf)));
  // `fieldRights: false` means that the host's resolvers never refuse single fields of the host's own types.
  if (engine.host.fieldRights === false && node !== OWN_NODE) return new Map([...found.keys()].map((key) => [key, new Set(names)]));
  const readable = new Map<string, Set<string>>();
  const doubtful = new Map<string, string[]>();
  for (const [key, values] of found) {
    readable.set(key, new Set());
    for (const [field, column] of fields) {
      if (!values.has(field)) continue;
      const isDoubtful = values.get(field) === null && (rows.get(key)?.[column] ?? 'null') !== 'null';
      if (isDoubtful) doubtful.set(key, [...(doubtful.get(key) ?? []), field]);
      else readable.get(key)?.add(field);
    }
  }
  if (doubtful.size === 0) return readable;
  const again = [...doubtful.keys()];
  const asked = [...new Set([...doubtful.values()].flat())];
  const values = await ask(engine, { tenant, node, keys: again, fields: asked }, () =>
    open(again.map((key) => ({ ...snapshotOf(key), ahead: true as const }))),
  );
  for (const [key, fieldsInDoubt] of doubtful)
    for (const field of fieldsInDoubt) if (values.get(key)?.get(field) != null) readable.get(key)?.add(field);
  return readable;
}

const parseRow = (row: RowTexts): Record<string, Json> =>
  Object.fromEntries(Object.entries(row).map(([column, text]) => [column, parseJson(text) as Json]));

/** Queries fields of nodes as the user. Returns for each node that was found the values of the fields without an error. */
async function ask(
  engine: Engine,
  { tenant, node, keys, fields }: { tenant: string; node: AnnouncedNode; keys: string[]; fields: string[] },
  open: () => object | Promise<object>,
): Promise<Map<string, Map<string, unknown>>> {
  const finder = finderOf(engine.host, node.typename);
  const found = new Map<string, Map<string, unknown>>();
  if (!finder) return found;
  let left = fields;
  for (let round = 0; round < MOST_ROUNDS && found.size < keys.length; round++) {
    const missing = keys.filter((key) => !found.has(key));
    const question = askFor(engine.host, finder, node, missing, selectFields(engine, node.typename, left));
    if (question.isEmpty) return found;
    const result = await executeInTime(engine, { ...question, tenant, contextValue: await open() });
    if (!result) return found;
    const { data, errors = [] } = result;
    throwIfOurs(engine, errors, 'Checking which fields of events the user may read failed');
    const refused = errors.map(fieldIn).filter((one) => one !== null);
    for (const [index, key] of missing.entries()) {
      const answer = data?.[`n${index}`];
      const row = (Array.isArray(answer) ? answer[0] : answer) as Record<string, unknown> | null | undefined;
      const isRefused = (place: number) => refused.some(([root, field]) => root === `n${index}` && field === `f${place}`);
      if (row)
        found.set(key, new Map(left.flatMap((field, place) => (isRefused(place) ? [] : [[field, row[`f${place}`] ?? null] as const]))));
    }
    const nulled = new Set(refused.filter(([root]) => !found.has(missing[Number(root.slice(1))] as string)).map(([, field]) => field));
    if (nulled.size === 0) return found;
    left = left.filter((_, place) => !nulled.has(`f${place}`));
  }
  return found;
}

/** Returns the aliases of the node and of the field at which an error occurred; `null` when it occurred elsewhere. */
function fieldIn({ path = [] }: GraphQLError): [root: string, field: string] | null {
  const [root] = path;
  const field = path.find((step, index) => index > 0 && /^f\d+$/.test(String(step)));
  return field === undefined ? null : [String(root), String(field)];
}
