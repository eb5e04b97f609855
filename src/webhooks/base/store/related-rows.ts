// Finds the nodes to which changed rows are related, in the host's tables: by one statement for all changes with the same path.
import pg, { type PoolClient } from 'pg';
import type { AnnouncedNode, Json, Relation } from '../model.js';
import { isOfTenant } from './announced-rows.js';

const id = pg.escapeIdentifier;

/** The maximum number of nodes for which one change of a related row is sent. */
export const MOST_RELATED = 1_000;

/** If a value of a row is longer than this number of bytes, no values of the row are recorded with the node's event. */
const LONGEST_VALUE = 8_192;

export interface RelatedChange {
  tenant: string;
  /** The row before or after the change, by column name. */
  row: Record<string, unknown>;
}

export interface FoundNode {
  /** Index of the change. */
  index: number;
  key: string;
  environment: string | null;
  /** The announced columns of the node, as events record them; `null` when a value is too long. */
  document: Json;
}

/**
 * Returns the nodes that are related to the changed rows now. They belong to the tenant of the change; at most MOST_RELATED + 1 for each
 * change. `relations`: the one or two relations that lead from the node to the changed rows.
 */
export async function findRelated(
  client: PoolClient,
  nodes: AnnouncedNode[],
  { typename, relations }: { typename: string; relations: Relation[] },
  changes: readonly RelatedChange[],
): Promise<FoundNode[]> {
  const of = (name: string) => nodes.find((one) => one.typename === name) as AnnouncedNode;
  const node = of(typename);
  const [first, second] = relations as [Relation, Relation?];
  const last = second ?? first;
  const equal = (alias: string, columns: string[], other: string, others: string[]) =>
    columns.map((column, at) => `${alias}.${id(column)} = ${other}.${id(others[at] as string)}`).join(' AND ');
  const alive = ({ softDelete }: AnnouncedNode, alias: string) => (softDelete ? ` AND ${alias}.${id(softDelete.column)} IS NULL` : '');
  const leads = second
    ? `(${first.columns.map((column) => `p.${id(column)}`).join(', ')}) IN (SELECT ${first.otherColumns.map((column) => `m.${id(column)}`).join(', ')}
        FROM ${tableOf(of(first.typename))} m WHERE ${equal('m', second.columns, 'c', second.otherColumns)}${alive(of(first.typename), 'm')})`
    : equal('p', first.columns, 'c', first.otherColumns);
  const { rows } = await client.query<Omit<FoundNode, 'key'> & { key: string[] }>(
    `SELECT (e.number - 1)::int AS index, f.key, f.environment, f.document
     FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY e (change, number)
     CROSS JOIN LATERAL jsonb_populate_record(NULL::${tableOf(of(last.typename))}, e.change -> 'row') c
     CROSS JOIN LATERAL (
       SELECT ARRAY[${node.key.map((column) => `p.${id(column)}::text`).join(', ')}] AS key,
         ${node.environment ? `p.${id(node.environment.column)}::text` : 'NULL::text'} AS environment,
         (SELECT CASE WHEN max(octet_length(d.value::text)) <= ${LONGEST_VALUE} THEN jsonb_object_agg(d.key, d.value) END
          FROM jsonb_each(to_jsonb(p)) d WHERE d.key = ANY ($2)) AS document
       FROM ${tableOf(node)} p
       WHERE ${leads}${alive(node, 'p')} AND ${isOfTenant(node, nodes, 'p', "(e.change ->> 'tenant')")}
       LIMIT ${MOST_RELATED + 1}
     ) f`,
    [JSON.stringify(changes), Object.keys(node.columns)],
  );
  return rows.map(({ key, ...found }) => ({ ...found, key: key.length === 1 ? (key[0] as string) : JSON.stringify(key) }));
}

const tableOf = ({ table }: AnnouncedNode): string => `${id(table.schema)}.${id(table.name)}`;
