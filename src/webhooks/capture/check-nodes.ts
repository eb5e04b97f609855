// Announced nodes and the catalog's facts -> the tables to attach to, or a WebhooksError that names what doesn't fit.
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode } from '../base/model.js';
import { type AnnouncedTable, columnsBesides } from './row-sql.js';
import type { TableFacts } from './table-facts.js';

const MIGRATE_FIRST = 'Run the migrations of the domain before attaching, or correct the announced node.';

/** `facts` in the order of `nodes`. */
export function checkNodes(nodes: AnnouncedNode[], facts: (TableFacts | null)[]): AnnouncedTable[] {
  const tables = nodes.map((node, index) => ({ node, facts: checkTable(node, facts[index] ?? null) }));
  for (const table of tables) {
    checkColumns(table);
    checkKey(table);
    checkParents(table, nodes);
    checkAlone(table, tables);
  }
  return tables;
}

const nameOf = ({ table }: AnnouncedNode) => `${table.schema}.${table.name}`;

function checkTable(node: AnnouncedNode, facts: TableFacts | null): TableFacts {
  if (facts?.isTable) return facts;
  const what = facts ? 'is no table: only ordinary and partitioned tables can have triggers' : "doesn't exist";
  throw new WebhooksError('ANNOUNCED_TABLE_MISSING', `The table ${nameOf(node)} of ${node.typename} ${what}.`, MIGRATE_FIRST);
}

function checkColumns({ node, facts }: AnnouncedTable): void {
  const read = [...Object.keys(node.columns), ...columnsBesides(node), ...(node.updatedAt === undefined ? [] : [node.updatedAt])];
  const missing = read.find((column) => facts.columns[column] === undefined);
  if (missing !== undefined) {
    throw new WebhooksError(
      'ANNOUNCED_COLUMN_MISSING',
      `The table ${nameOf(node)} of ${node.typename} has no column "${missing}".`,
      MIGRATE_FIRST,
    );
  }
  const updatedAt = node.updatedAt === undefined ? undefined : facts.columns[node.updatedAt];
  if (updatedAt && (updatedAt.time === null || updatedAt.generatedFrom !== null)) {
    throw new WebhooksError(
      'ANNOUNCED_UPDATED_AT_UNFIT',
      `The column "${node.updatedAt}" of ${nameOf(node)} is of type ${updatedAt.type}${updatedAt.generatedFrom ? ', generated' : ''}: it can't be set to the time of a change.`,
      'Make it timestamptz(3), or leave `updatedAt` out.',
    );
  }
}

/** A node's key must lead to one row. */
function checkKey({ node, facts }: AnnouncedTable): void {
  const nullable = node.key.find((column) => !facts.columns[column]?.notNull);
  const unique = facts.uniqueKeys.some((columns) => columns.every((column) => node.key.includes(column)));
  if (node.key.length > 0 && nullable === undefined && unique) return;
  const why = nullable === undefined ? 'has no unique index' : `may be null in "${nullable}"`;
  throw new WebhooksError(
    'ANNOUNCED_KEY_UNFIT',
    `The key (${node.key.join(', ')}) of ${node.typename} in ${nameOf(node)} ${why}.`,
    'Announce the primary key.',
  );
}

/** Up the parents there must be an end, and each must have a key of one column. */
function checkParents({ node }: AnnouncedTable, nodes: AnnouncedNode[]): void {
  const chain = [node.typename];
  for (let at = node; 'parent' in at.tenant; ) {
    const { typename } = at.tenant.parent;
    const parent = nodes.find((other) => other.typename === typename);
    const wrong =
      parent === undefined
        ? "isn't announced"
        : parent.key.length !== 1
          ? 'has a key of several columns'
          : chain.includes(typename)
            ? 'leads back to it'
            : null;
    if (parent === undefined || wrong !== null) {
      throw new WebhooksError(
        'ANNOUNCED_PARENT_UNFIT',
        `The tenant of ${node.typename} is on its parent (${[...chain, typename].join(' → ')}), but ${typename} ${wrong}.`,
        'Announce the parent, or read the tenant with `{ sql }` or from a column.',
      );
    }
    chain.push(typename);
    at = parent;
  }
}

function checkAlone({ node, facts }: AnnouncedTable, tables: AnnouncedTable[]): void {
  const other = tables.find((table) => table.node !== node && (table.node.typename === node.typename || table.facts.oid === facts.oid));
  if (!other) return;
  throw new WebhooksError(
    'ANNOUNCED_TWICE',
    `${node.typename} on ${nameOf(node)} and ${other.node.typename} on ${nameOf(other.node)} are announced, but a type has one table and a table one type.`,
  );
}
