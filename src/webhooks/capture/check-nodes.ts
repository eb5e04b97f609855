// Checks whether the tables of announced nodes exist and can be captured as announced. Reports every problem.
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode } from '../base/model.js';
import { decidingRows, OWN_NODE } from '../base/own-node.js';
import { type AnnouncedTable, columnsBesides } from './row-sql.js';
import type { TableFacts } from './table-facts.js';

const MIGRATE_FIRST = 'Run the migrations of your application first, or correct the announced node.';

export interface CheckedNodes {
  /** The tables without a problem, in the order of the nodes. A table whose parent has a problem is left out, too. */
  tables: AnnouncedTable[];
  problems: WebhooksError[];
  /** The node that each problem is about. */
  nodeOf: Map<WebhooksError, AnnouncedNode>;
  warnings: string[];
}

/**
 * Checks all nodes and returns their problems, instead of throwing at the first one.
 * @param facts the facts about the tables, in the order of `nodes`; `null` for a table that doesn't exist
 */
export function checkNodes(nodes: AnnouncedNode[], facts: (TableFacts | null)[]): CheckedNodes {
  const nodeOf: CheckedNodes['nodeOf'] = new Map();
  const passes = (node: AnnouncedNode, check: () => void) => {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof WebhooksError)) throw error;
      nodeOf.set(error, node);
      return false;
    }
  };
  const { table: ours } = nodes.find(({ typename }) => typename === OWN_NODE.typename) ?? OWN_NODE;
  const found = nodes.flatMap((node, index) => {
    const known = facts[index] ?? null;
    return passes(node, () => checkTable(node, known, ours)) ? [{ node, facts: known as TableFacts }] : [];
  });
  const fit = found.filter((table) =>
    [
      () => checkColumns(table),
      () => checkVirtual(table),
      () => checkKey(table),
      () => checkParents(table, nodes),
      () => checkDecidingRows(table, nodes),
      () => checkAlone(table, found),
    ]
      .map((check) => passes(table.node, check))
      .every(Boolean),
  );
  const warnings = fit.flatMap(({ node, facts: { parents } }) =>
    parents.map(
      (parent) =>
        `${nameOf(node)} inherits from ${parent.schema}.${parent.name}: writes through ${parent.schema}.${parent.name} are not captured`,
    ),
  );
  return { tables: fit.filter((table) => hasParents(table, fit)), problems: [...nodeOf.keys()], nodeOf, warnings };
}

/** Joins several problems into one error. Returns a single problem as it is. */
export function joinProblems(problems: WebhooksError[]): WebhooksError {
  const [first] = problems;
  if (first && problems.length === 1) return first;
  const codes = new Set(problems.map(({ code }) => code));
  return new WebhooksError(
    codes.size === 1 && first ? first.code : 'ANNOUNCED_UNFIT',
    `The announced nodes have ${problems.length} problems that prevent capture; nothing was changed.\n${problems
      .map(({ message, hint }) => `- ${message}${hint === undefined ? '' : ` ${hint}`}`)
      .join('\n')}`,
    'Correct the problems and run `hookgraph migrate` again.',
    { cause: new AggregateError(problems) },
  );
}

const nameOf = ({ table }: AnnouncedNode) => `${table.schema}.${table.name}`;

const KINDS: Record<string, string> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  c: 'a composite type',
  i: 'an index',
  I: 'an index',
  t: 'a TOAST table',
};

function checkTable(node: AnnouncedNode, facts: TableFacts | null, ours: AnnouncedNode['table']): void {
  const name = nameOf(node);
  if (!facts) throw new WebhooksError('ANNOUNCED_TABLE_MISSING', `The table ${name} of ${node.typename} doesn't exist.`, MIGRATE_FIRST);
  const unfit = (what: string, hint: string) => {
    throw new WebhooksError('ANNOUNCED_TABLE_UNFIT', `The table ${name} of ${node.typename} ${what}.`, hint);
  };
  if (!['r', 'p'].includes(facts.kind)) {
    throw new WebhooksError(
      'ANNOUNCED_TABLE_MISSING',
      `${name} of ${node.typename} is ${KINDS[facts.kind] ?? 'another kind of relation'}, not a table: only ordinary and partitioned tables can have triggers that capture changes.`,
      'Announce the tables that hold its rows: a write through a view is captured in the table that it changes.',
    );
  }
  if (facts.isTemporary) unfit('is temporary: Postgres drops it at the end of the session', 'Announce a permanent table.');
  if (facts.schema === 'pg_catalog' || facts.schema === 'information_schema')
    unfit('is a system table of Postgres', 'Announce a table of your application.');
  if (facts.schema === ours.schema && facts.name !== ours.name) {
    unfit(
      'is an internal table of Hookgraph: recording its changes would cause further changes without end',
      'Announce a table of your application.',
    );
  }
  const [parent] = facts.parents.filter(({ isPartition }) => isPartition);
  if (parent) {
    unfit(
      `is a partition of ${parent.schema}.${parent.name}: writes through ${parent.schema}.${parent.name} would not be captured`,
      `Announce ${parent.schema}.${parent.name}; its partitions are captured with it.`,
    );
  }
  if (facts.foreignParts.length > 0) {
    unfit(
      `has foreign tables among its partitions or child tables (${facts.foreignParts.join(', ')}): Postgres refuses writes to them when a trigger captures the statement`,
      'Detach the foreign tables, or announce each local table as a separate type.',
    );
  }
  if (!facts.mayAttach) {
    unfit(
      "can't be captured: the role that runs `hookgraph migrate` lacks privileges",
      `GRANT USAGE ON its schema, and GRANT SELECT, TRIGGER ON ${name}, to that role.`,
    );
  }
}

function checkColumns({ node, facts }: AnnouncedTable): void {
  const read = [...Object.keys(node.columns), ...columnsBesides(node), ...(node.updatedAt === undefined ? [] : [node.updatedAt])];
  const missing = [...new Set(read)].filter((column) => facts.columns[column] === undefined);
  if (missing.length > 0) {
    throw new WebhooksError(
      'ANNOUNCED_COLUMN_MISSING',
      `The table ${nameOf(node)} of ${node.typename} has no column ${missing.map((column) => `"${column}"`).join(', ')}.`,
      MIGRATE_FIRST,
    );
  }
  const updatedAt = node.updatedAt === undefined ? undefined : facts.columns[node.updatedAt];
  if (updatedAt && node.setsUpdatedAt !== false && (updatedAt.time === null || updatedAt.generatedFrom !== null)) {
    throw new WebhooksError(
      'ANNOUNCED_UPDATED_AT_UNFIT',
      `The column "${node.updatedAt}" of ${nameOf(node)} is of type ${updatedAt.type}${updatedAt.generatedFrom ? ', generated' : ''}: a trigger can't set it to the time of a change.`,
      'Make it timestamptz(3), or leave `updatedAt` out.',
    );
  }
}

/**
 * Checks that the columns of key, tenant, environment and soft deletion are stored, because triggers can't read VIRTUAL generated columns.
 * Other announced columns may be virtual: a generated function computes their values.
 */
function checkVirtual({ node, facts }: AnnouncedTable): void {
  const column = columnsBesides(node).find((name) => typeof facts.columns[name]?.virtual === 'string');
  if (column === undefined) return;
  throw new WebhooksError(
    'ANNOUNCED_COLUMN_VIRTUAL',
    `The column "${column}" of ${nameOf(node)} is a VIRTUAL generated column, which triggers can't read; ${node.typename} needs it for its key, tenant, environment or soft deletion.`,
    'Make the column STORED, or announce the columns that it is computed from.',
  );
}

/** Returns whether all parents through which the table gets its tenant are among the valid tables. */
function hasParents({ node: { tenant } }: AnnouncedTable, fit: AnnouncedTable[]): boolean {
  if (!('parent' in tenant)) return true;
  const parent = fit.find(({ node }) => node.typename === tenant.parent.typename);
  return parent !== undefined && hasParents(parent, fit);
}

/** Checks that a node's key identifies one row: its columns are NOT NULL, and a unique index covers some or all of them. */
function checkKey({ node, facts }: AnnouncedTable): void {
  const nullable = node.key.find((column) => !facts.columns[column]?.notNull);
  const unique = facts.uniqueKeys.some((columns) => columns.every((column) => node.key.includes(column)));
  if (node.key.length > 0 && nullable === undefined && unique) return;
  const why = nullable === undefined ? 'has no unique index' : `has the nullable column "${nullable}"`;
  throw new WebhooksError(
    'ANNOUNCED_KEY_UNFIT',
    `The key (${node.key.join(', ')}) of ${node.typename} in ${nameOf(node)} ${why}.`,
    'Announce the primary key.',
  );
}

/**
 * Checks the parents through which a node gets its tenant: each must be announced, have a key of one column and appear once, and none may
 * get its own tenant only after the commit, from other rows.
 */
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
            ? 'gets its tenant only after the commit, from other rows'
            : chain.includes(typename)
              ? 'is already in this chain'
              : null;
    if (parent === undefined || wrong !== null) {
      throw new WebhooksError(
        'ANNOUNCED_PARENT_UNFIT',
        `${node.typename} takes its tenant from its parent (${[...chain, typename].join(' → ')}), but ${typename} ${wrong}.`,
        'Announce the parent, or declare the tenant with `{ sql }` or as a column.',
      );
    }
    chain.push(typename);
    at = parent;
  }
}

/**
 * Checks the type whose rows decide the tenant of another type's rows, as memberships do for users. Its rows must have a tenant when they
 * are written, and it must announce the columns that point to the other type.
 */
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
        ? `${typename} gets its own tenant only after the commit, from other rows`
        : columns.length !== node.key.length
          ? `the columns (${columns.join(', ')}) of ${typename} can't point to the key (${node.key.join(', ')})`
          : unknown !== undefined
            ? `${typename} announces no column "${unknown}"`
            : null;
  if (wrong === null) return;
  throw new WebhooksError(
    'ANNOUNCED_CHILD_UNFIT',
    `${node.typename} in ${facts.schema}.${facts.name} takes its tenant from rows of ${typename} (${columns.join(', ')}), but ${wrong}.`,
    'Announce that type with its tenant and the columns that point to this node, or declare the tenant with `{ sql }` or as a column.',
  );
}

function checkAlone({ node, facts }: AnnouncedTable, tables: AnnouncedTable[]): void {
  const holds = (table: AnnouncedTable) => table.facts.oid === facts.oid || facts.parts.some(({ oid }) => oid === table.facts.oid);
  const other = tables.find((table) => table.node !== node && (table.node.typename === node.typename || holds(table)));
  if (!other) return;
  throw new WebhooksError(
    'ANNOUNCED_TWICE',
    `${node.typename} on ${nameOf(node)} and ${other.node.typename} on ${nameOf(other.node)} are both announced, but a type can have only one table, and a table with its partitions and child tables only one type.`,
  );
}
