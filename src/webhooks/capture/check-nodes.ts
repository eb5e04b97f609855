// Announced nodes and the catalog's facts -> the tables to attach to, or a WebhooksError that names all that doesn't fit.
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode } from '../base/model.js';
import { decidingRows } from '../base/own-node.js';
import { type AnnouncedTable, columnsBesides } from './row-sql.js';
import type { TableFacts } from './table-facts.js';

const MIGRATE_FIRST = 'Run the migrations of the domain before attaching, or correct the announced node.';

/** `facts` in the order of `nodes`. */
export function checkNodes(nodes: AnnouncedNode[], facts: (TableFacts | null)[]): AnnouncedTable[] {
  const problems: WebhooksError[] = [];
  const collect = <T>(check: () => T): T[] => {
    try {
      return [check()];
    } catch (error) {
      if (!(error instanceof WebhooksError)) throw error;
      problems.push(error);
      return [];
    }
  };
  const tables = nodes.flatMap((node, index) => collect(() => ({ node, facts: checkTable(node, facts[index] ?? null) })));
  for (const table of tables) {
    collect(() => checkColumns(table));
    collect(() => checkKey(table));
    collect(() => checkParents(table, nodes));
    collect(() => checkDecidingRows(table, nodes));
    collect(() => checkAlone(table, tables));
  }
  if (problems.length > 0) throw together(problems);
  return tables;
}

/** One alone as it is; several under the code of the first, each with what to do. */
function together([first, ...others]: WebhooksError[]): WebhooksError {
  if (first === undefined || others.length === 0) return first as WebhooksError;
  const lines = [first, ...others].map(({ message, hint }) => `- ${message}${hint === undefined ? '' : ` ${hint}`}`);
  return new WebhooksError(first.code, `${lines.length} things about the announced nodes are wrong:\n${[...new Set(lines)].join('\n')}`);
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
  if (updatedAt && node.setsUpdatedAt !== false && (updatedAt.time === null || updatedAt.generatedFrom !== null)) {
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
          : decidingRows(parent)
            ? 'gets its own only after the commit, by the rows that decide it'
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

/** The rows that decide must tell their own tenant at once, and record what they point to. */
function checkDecidingRows({ node, facts }: AnnouncedTable, nodes: AnnouncedNode[]): void {
  const deciding = decidingRows(node);
  if (!deciding) return;
  const { typename, columns } = deciding;
  const child = nodes.find((other) => other.typename === typename);
  const unknown = child && columns.find((column) => child.columns[column] === undefined);
  const wrong =
    child === undefined
      ? `${typename} isn't announced`
      : child === node || decidingRows(child)
        ? `${typename} gets its own only after the commit, by the rows that decide it`
        : columns.length !== node.key.length
          ? `the columns (${columns.join(', ')}) of ${typename} can't point to the key (${node.key.join(', ')})`
          : unknown !== undefined
            ? `${typename} announces no column "${unknown}"`
            : null;
  if (wrong === null) return;
  throw new WebhooksError(
    'ANNOUNCED_CHILD_UNFIT',
    `The tenant of ${node.typename} in ${facts.schema}.${facts.name} is decided by rows of ${typename} (${columns.join(', ')}), but ${wrong}.`,
    'Announce the type with its tenant and the columns that point here, or read the tenant with `{ sql }` or from a column.',
  );
}

function checkAlone({ node, facts }: AnnouncedTable, tables: AnnouncedTable[]): void {
  const other = tables.find((table) => table.node !== node && (table.node.typename === node.typename || table.facts.oid === facts.oid));
  if (!other) return;
  throw new WebhooksError(
    'ANNOUNCED_TWICE',
    `${node.typename} on ${nameOf(node)} and ${other.node.typename} on ${nameOf(other.node)} are announced, but a type has one table and a table one type.`,
  );
}
