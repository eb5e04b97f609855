// Proposes the tables that an application announces, each with its type, tenant, omitted columns, and the root field that
// finds a row by its key.
import { completeAnnouncements } from '../../sources/catalog/complete.js';
import type { CatalogColumn } from '../../sources/catalog/read-catalog.js';
import type { TableDefaults, TableOptions, Tables } from '../../sources/catalog/table-options.js';
import type { AnnouncedNode } from '../../webhooks/index.js';
import type { Candidate, LeftOut, Survey } from './find-candidates.js';
import { childrenOf, findTenants, type Tenancy, type TenantColumn, type TenantRoute, tenantColumns } from './find-tenants.js';
import { findUserTable, type UserTable } from './find-user-table.js';
import { finderFor, isFoundByNode } from './finders.js';
import { looksSecret, lowerFirst, snakeCase } from './names.js';

export interface ProposedTable {
  candidate: Candidate;
  options: TableOptions;
  /** The reason for the proposed tenant. */
  why: string;
  /**
   * The root field that finds a row, such as `user(id: $id)`. `node` when `node(id:)` finds the row; `null` when no field
   * does. Absent without a GraphQL schema.
   */
  find?: string | null;
}

/** A table that can't be announced yet, because its tenant couldn't be determined or its options have a problem. */
export interface OpenTable {
  candidate: Candidate;
  why: string;
  choices: TenantRoute[];
}

export interface Proposal {
  defaults: TableDefaults;
  tables: ProposedTable[];
  open: OpenTable[];
  left: LeftOut[];
  tenant: TenantColumn | undefined;
  userTable: UserTable | null;
}

/** The user's answers to init's questions. */
export interface Answers {
  tenant?: TenantColumn;
  routes?: Map<Candidate, TenantRoute>;
}

export function propose(survey: Survey, { tenant = tenantColumns(survey.candidates)[0], routes: answered }: Answers = {}): Proposal {
  const tenancy = findTenants(survey.candidates, tenant, answered);
  const { announced, left } = choose(survey, tenancy);
  const defaults = defaultsOf(survey, announced, tenancy);
  const problems = new Map<string, string>();
  const fits = () => announced.filter((one) => tenancy.routes.has(one) && !problems.has(one.typename));
  let nodes: AnnouncedNode[];
  // Repeats until no further table is left out, because other tables may take their tenant from a table that was left out.
  for (let before = -1; ; before = problems.size) {
    const completed = completeAnnouncements(
      tablesOf(
        defaults,
        fits().map((one) => tableOf(one, tenancy, survey)),
      ),
      survey,
    );
    nodes = completed.nodes;
    for (const { typename, message } of completed.problems) problems.set(typename, message);
    if (problems.size === before || completed.problems.length === 0) break;
  }
  const tables = fits().map((one) => withFinder(tableOf(one, tenancy, survey), nodes, survey));
  const position = ({ candidate }: ProposedTable) =>
    candidate === tenant?.root ? -1 : ORDER.indexOf((tenancy.routes.get(candidate) as TenantRoute).kind);
  tables.sort((a, b) => position(a) - position(b));
  const open = announced
    .filter((one) => !fits().includes(one))
    .map((one) => ({
      candidate: one,
      why: problems.get(one.typename) ?? 'no foreign key leads to the tenant',
      choices: childrenOf(survey.candidates, one, tenancy.routes),
    }));
  return { defaults, tables, open, left: [...survey.left, ...left], tenant, userTable: findUserTable(survey.candidates, tenancy) };
}

/** The order of the tables in the written file: those whose tenant is in a column come first. */
const ORDER: TenantRoute['kind'][] = ['column', 'parent', 'children', 'several'];

/** Builds the option `tables` of createHookgraph(). */
export const tablesOf = (defaults: TableDefaults, tables: Pick<ProposedTable, 'candidate' | 'options'>[]): Tables => ({
  ...(Object.keys(defaults).length > 0 && { defaults }),
  ...Object.fromEntries(tables.map(({ candidate, options }) => [candidate.typename, options])),
});

/**
 * Chooses the tables to announce. Leaves out tables without a GraphQL type or, in an application without Prisma and
 * GraphQL schema, join tables. Keeps any table from which an announced table takes its tenant.
 */
function choose({ candidates, models, schema }: Survey, { routes }: Tenancy): { announced: Candidate[]; left: LeftOut[] } {
  const reasons = new Map<Candidate, string>();
  for (const one of candidates) {
    if (!one.isShown) reasons.set(one, 'the GraphQL schema has no type for this table');
    else if (!schema && models.length === 0 && isJoin(one)) reasons.set(one, 'the table only joins other tables');
  }
  const needed = new Set<Candidate>();
  const need = (one: Candidate) => {
    const other = routes.get(one)?.other;
    if (!other || needed.has(other)) return;
    needed.add(other);
    need(other);
  };
  for (const one of candidates) if (!reasons.has(one)) need(one);
  const announced = candidates.filter((one) => !reasons.has(one) || needed.has(one));
  return {
    announced,
    left: candidates.filter((one) => !announced.includes(one)).map((one) => ({ table: one.table, why: reasons.get(one) ?? '' })),
  };
}

function isJoin({ table, key }: Candidate): boolean {
  const pointing = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
  const rest = table.columns.filter(({ name, type }) => !pointing.has(name) && !/^(timestamp|date)/.test(type) && !key.includes(name));
  return table.foreignKeys.length > 1 && rest.length === 0 && (key.every((name) => pointing.has(name)) || key.length === 1);
}

/** Returns the application's name of a column: its field in the Prisma model, else the column's name. */
export const nameOf = ({ model }: Candidate, column: string): string => model?.columns[column] ?? column;

function defaultsOf({ schemaName, models }: Survey, announced: Candidate[], { tenant }: Tenancy): TableDefaults {
  const holders = (fits: (column: CatalogColumn) => boolean) => announced.filter(({ table }) => table.columns.some(fits));
  const called = (column: string) => {
    const [first] = holders(({ name }) => name === column);
    return first ? nameOf(first, column) : column;
  };
  const isDeletion = ({ name, type, notNull }: CatalogColumn) => snakeCase(name) === 'deleted_at' && /^timestamp/.test(type) && !notNull;
  const deleted = announced.flatMap(({ table }) => table.columns.filter(isDeletion))[0];
  return {
    ...(schemaName !== undefined && models.length === 0 && { schema: schemaName }),
    ...(tenant && holders(({ name }) => name === tenant.column).length > 0 && { tenant: called(tenant.column) }),
    ...(deleted && { softDelete: called(deleted.name) }),
  };
}

function tableOf(candidate: Candidate, { routes, tenant }: Tenancy, { schema }: Survey): ProposedTable {
  const found = routes.get(candidate) as TenantRoute;
  const pointing = candidate.table.foreignKeys.flatMap(({ columns }) => columns);
  const omit = candidate.table.columns
    .filter((column) => looksSecret(column) && !pointing.includes(column.name) && !candidate.key.includes(column.name))
    .map(({ name }) => nameOf(candidate, name));
  const isDefault = found.kind === 'column' && found.column === tenant?.column;
  const of = found.kind === 'column' ? null : { of: relationName(candidate, found, schema !== undefined) };
  return {
    candidate,
    why: found.why,
    options: {
      ...candidate.options,
      ...(found.kind === 'column' && !isDefault && { tenant: nameOf(candidate, found.column as string) }),
      ...(of && (found.kind === 'several' ? { tenants: of } : { tenant: of })),
      ...(omit.length > 0 && { omit }),
    },
  };
}

function relationName({ model, fields }: Candidate, { kind, other, key }: TenantRoute, hasSchema: boolean): string {
  const holdsKey = kind === 'parent';
  const [own, foreign] = holdsKey ? [key?.columns, key?.foreignColumns] : [key?.foreignColumns, key?.columns];
  const isSame = (some: string[], others: string[] | undefined) => some.join() === others?.join();
  const relation = model?.relations.find(
    (one) =>
      one.holdsKey === holdsKey && one.typename === other?.typename && isSame(one.columns, own) && isSame(one.foreignColumns, foreign),
  );
  if (relation) return relation.field;
  const column = key?.columns[0] as string;
  if (!holdsKey) return other?.typename as string;
  return hasSchema ? (fields[column] ?? column) : column;
}

function withFinder(table: ProposedTable, nodes: AnnouncedNode[], { schema }: Survey): ProposedTable {
  const node = nodes.find(({ typename }) => typename === table.candidate.typename);
  if (!schema || !node) return table;
  if (isFoundByNode(schema, node.typename)) return { ...table, find: 'node' };
  return { ...table, find: finderFor(schema, node) };
}

/** Returns a topic for a status value, as an example in a comment of the written file; `null` when no status column has an enum. */
export function statusOf({
  candidate: { typename, table, model, ...rest },
}: ProposedTable): { topic: string; field: string; value: string } | null {
  const column = table.columns.find(
    ({ name, labels }) => /(^|_)(status|state)$/.test(snakeCase(name)) && labels !== null && labels.length > 1,
  );
  const value = column?.labels?.[1];
  if (!column || value === undefined) return null;
  const enumName = Object.entries(model?.enums?.[column.name] ?? {}).find(([, stored]) => stored === value)?.[0] ?? value;
  const field = model?.columns[column.name] ?? rest.fields[column.name] ?? column.name;
  return { topic: `${snakeCase(lowerFirst(typename))}/${value.toLowerCase().replace(/\W+/g, '_')}`, field, value: enumName };
}
