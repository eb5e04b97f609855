// Finds the fields of an event that the owner may read, by running the host's own resolvers as the owner.
import { type GraphQLError, getNamedType, isLeafType, isObjectType, Kind, type SelectionSetNode } from 'graphql';
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Engine } from '../base/engine.js';
import type { AnnouncedNode, Json, RowTexts, Snapshot } from '../base/model.js';
import { OWN_NODE } from '../base/own-node.js';
import { askFor, finderOf } from '../base/query/finders.js';
import { executeInTime, isTooSlow, type Question, throwIfOurs } from './run-query.js';

export interface Rows {
  before: RowTexts | null;
  after: RowTexts | null;
  /** Creates the GraphQL context in which one query runs with the rights of the subscription's owner. */
  open(overlay: Snapshot[]): object | Promise<object>;
  /** Rows as they were at the event, which the stored query uses when the database no longer has them. */
  own: Snapshot[];
  /** The owner's organization. */
  tenant: string;
}

/**
 * Maximum number of queries for one node. If the owner may not read a non-null field, GraphQL makes the whole node `null`; the node is then
 * queried again without this field.
 */
const MOST_ROUNDS = 10;

/**
 * Returns the fields that the host's resolvers return to the owner. A field with an error is not readable. Some hosts return `null` for a
 * field that the owner may not read; a field that is `null`, although the event's row has a value, is therefore queried again with that row
 * in place of the stored row, and is readable if it is then not `null`.
 * @param fields pairs of GraphQL field and column
 * @returns `null` when the query took longer than its deadline
 * @throws HostFailed when a resolver or the database of the host fails
 */
export async function readableFields(
  engine: Engine,
  node: AnnouncedNode,
  key: string,
  fields: (readonly [field: string, column: string])[],
  { before, after, open, own, tenant }: Rows,
): Promise<ReadonlySet<string> | null> {
  // `fieldRights: false` means that the host's resolvers never refuse single fields. This doesn't apply to WebhookSubscription, which is
  // Hookgraph's own node type.
  if (engine.host.fieldRights === false && node !== OWN_NODE) return new Set(fields.map(([field]) => field));
  const hasValue = (row: RowTexts | null) => (column: string) => row !== null && (row[column] ?? 'null') !== 'null';
  const ahead = (row: RowTexts): Snapshot[] => [{ typename: node.typename, key, columns: parseRow(row), ahead: true }];
  const answer = await ask(engine, node, key, fields, { tenant, open: () => open(own) });
  if (!answer) return null;
  const readable = new Set<string>();
  const doubtful: (readonly [string, string])[] = [];
  for (const [field, column] of fields) {
    const value = answer.get(field);
    if (value === undefined) continue;
    // A user who may read a subscription may read all its fields. A field may be null now because it has changed since, e.g. by enabling.
    if (value !== null || node === OWN_NODE || !(hasValue(after)(column) || hasValue(before)(column))) readable.add(field);
    else doubtful.push([field, column]);
  }
  for (const row of [after, before]) {
    const again = row ? doubtful.filter(([field, column]) => !readable.has(field) && hasValue(row)(column)) : [];
    if (!row || again.length === 0) continue;
    const values = await ask(engine, node, key, again, { tenant, open: () => open(ahead(row)) });
    if (!values) return null;
    for (const [field] of again) if (values.get(field) != null) readable.add(field);
  }
  return readable;
}

/**
 * Queries the fields of a node as the owner. Returns the values of the fields without an error, by field; an empty map when the query finds
 * no node; `null` when it took longer than its deadline.
 */
async function ask(
  engine: Engine,
  node: AnnouncedNode,
  key: string,
  fields: (readonly [field: string, column: string])[],
  { tenant, open }: { tenant: string; open: () => object },
): Promise<Map<string, unknown> | null> {
  const finder = finderOf(engine.host, node.typename);
  if (!finder) return new Map();
  let left = fields.map(([field]) => field);
  for (let round = 0; round < MOST_ROUNDS && left.length > 0; round++) {
    const question = askFor(engine.host, finder, node, [key], selectFields(engine, node.typename, left));
    if (question.isEmpty) return new Map();
    const answer = await run(engine, { ...question, tenant, contextValue: await open() });
    if (!answer) return null;
    const { row, refused } = answer;
    if (row) return new Map(left.flatMap((field, index) => (refused.has(`f${index}`) ? [] : [[field, row[`f${index}`] ?? null] as const])));
    if (refused.size === 0) return new Map();
    left = left.filter((_, index) => !refused.has(`f${index}`));
  }
  return new Map();
}

/** Returns the selection of these fields, each under the alias `f` and its index. */
export function selectFields({ host }: Engine, typename: string, fields: string[]): SelectionSetNode {
  const name = (value: string) => ({ kind: Kind.NAME, value }) as const;
  const justTypename: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [{ kind: Kind.FIELD, name: name('__typename') }] };
  const type = host.schema().getType(typename);
  const known = isObjectType(type) ? type.getFields() : {};
  const selections = fields.map((field, index) => {
    const found = known[field];
    const isLeaf = found !== undefined && isLeafType(getNamedType(found.type));
    return { kind: Kind.FIELD, name: name(field), alias: name(`f${index}`), ...(!isLeaf && { selectionSet: justTypename }) } as const;
  });
  const typeCondition = { kind: Kind.NAMED_TYPE, name: name(typename) } as const;
  return {
    kind: Kind.SELECTION_SET,
    selections: [{ kind: Kind.INLINE_FRAGMENT, typeCondition, selectionSet: { kind: Kind.SELECTION_SET, selections } }],
  };
}

/**
 * Runs the query. Returns `null` when it took longer than its deadline. `refused`: the aliases of the fields with an error. `row` is `null`
 * when no node was found, or when a refused field made it `null`.
 */
async function run(engine: Engine, question: Question): Promise<{ row: Record<string, unknown> | null; refused: Set<string> } | null> {
  const result = await executeInTime(engine, question);
  if (!result) return null;
  const { data, errors = [] } = result;
  if (errors.some(isTooSlow)) return null;
  throwIfOurs(engine, errors, 'Checking which fields of an event the owner may read failed');
  const found = data?.n0;
  const row = (Array.isArray(found) ? found[0] : found) as Record<string, unknown> | null | undefined;
  return { row: row ?? null, refused: new Set(errors.flatMap((error) => fieldIn(error) ?? [])) };
}

const fieldIn = ({ path }: GraphQLError): string | null =>
  (path?.find((step, index) => index > 0 && /^f\d+$/.test(String(step))) as string) ?? null;

const parseRow = (row: RowTexts): Record<string, Json> =>
  Object.fromEntries(Object.entries(row).map(([column, text]) => [column, parseJson(text) as Json]));
