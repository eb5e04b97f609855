// Determines how the tenant of each table's rows is found: by the tenant column that most tables share, or by foreign
// keys that lead to a table with that column.
import type { CatalogForeignKey } from '../../sources/catalog/read-catalog.js';
import type { Candidate } from './find-candidates.js';
import { looksLikeUsers, tenantRank } from './names.js';

/** How the tenant of a table's rows is found. */
export interface TenantRoute {
  /**
   * `column`: a column of the row holds the tenant. `parent`: the row points to a row with a tenant. `children`: rows with
   * a tenant point to the row. `several`: each row of a join table adds a tenant.
   */
  kind: 'column' | 'parent' | 'children' | 'several';
  /** The column that holds the tenant, if `kind` is `column`. */
  column?: string;
  /** The table that has the tenant, if `kind` isn't `column`. */
  other?: Candidate;
  /** The foreign key between both tables, if `kind` isn't `column`. */
  key?: CatalogForeignKey;
  why: string;
}

/** A column that may hold the tenant. */
export interface TenantColumn {
  column: string;
  tables: number;
  /** The table of tenants, to which the column refers; `undefined` when no such table was found. */
  root: Candidate | undefined;
}

export interface Tenancy {
  tenant: TenantColumn | undefined;
  routes: Map<Candidate, TenantRoute>;
}

const targetOf = (candidates: Candidate[], { table }: CatalogForeignKey): Candidate | undefined =>
  candidates.find((one) => one.table.schema === table.schema && one.table.name === table.name);

const keysTo = (from: Candidate, to: Candidate): CatalogForeignKey[] =>
  from.table.foreignKeys.filter(({ table }) => table.schema === to.table.schema && table.name === to.table.name);

const isSame = (some: string[], others: string[]) => some.length === others.length && some.every((one) => others.includes(one));

const columnIn = ({ table }: Candidate, name: string) => table.columns.find((column) => column.name === name);

/** Returns the columns that may hold the tenant, the most likely first. */
export function tenantColumns(candidates: Candidate[]): TenantColumn[] {
  const names = [...new Set(candidates.flatMap(({ table }) => table.columns.map(({ name }) => name)))];
  const found = names.flatMap((column) => {
    const rank = tenantRank(column);
    const holders = candidates.filter((one) => columnIn(one, column));
    const roots = new Set(holders.map((one) => rootBy(candidates, one, column)));
    roots.delete(undefined);
    const [root] = roots;
    const points = holders.filter((one) => rootBy(candidates, one, column));
    const isShared = roots.size === 1 && points.length > 1 && points.length * 2 >= candidates.length - 1;
    if (roots.size > 1 || (rank === null && !isShared)) return [];
    return [{ column, tables: holders.length, root: root ?? rootByName(candidates, column), rank: rank ?? 1000 }];
  });
  found.sort((a, b) => Number(a.rank === 1000) - Number(b.rank === 1000) || b.tables - a.tables || a.rank - b.rank);
  return found.map(({ rank: _, ...column }) => column);
}

function rootBy(candidates: Candidate[], one: Candidate, column: string): Candidate | undefined {
  const key = one.table.foreignKeys.find(({ columns }) => columns.length === 1 && columns[0] === column);
  const root = key && targetOf(candidates, key);
  return root === one ? undefined : root;
}

function rootByName(candidates: Candidate[], column: string): Candidate | undefined {
  const base = column.replace(/_?(id|uuid|key)$/i, '').toLowerCase();
  return candidates.find(({ typename }) => typename.toLowerCase() === base.replaceAll('_', ''));
}

/** Determines how the tenant of each table's rows is found. `answers`: routes that the user has chosen, instead of guesses. */
export function findTenants(
  candidates: Candidate[],
  tenant: TenantColumn | undefined,
  answers = new Map<Candidate, TenantRoute>(),
): Tenancy {
  const routes = new Map<Candidate, TenantRoute>(answers);
  if (tenant) {
    for (const one of candidates) if (!routes.has(one)) addByColumn(candidates, one, tenant, routes);
    for (const one of candidates) if (!routes.has(one)) add(routes, one, byMembers(candidates, one, routes));
    addByParents(candidates, routes);
    const decided = new Map(routes);
    for (const one of candidates) if (!routes.has(one)) add(routes, one, byChildren(candidates, one, decided));
  }
  return { tenant, routes };
}

function add(routes: Map<Candidate, TenantRoute>, one: Candidate, found: TenantRoute | null): void {
  if (found) routes.set(one, found);
}

function addByColumn(candidates: Candidate[], one: Candidate, { column, root }: TenantColumn, routes: Map<Candidate, TenantRoute>): void {
  if (one === root) {
    const [own] = candidates.flatMap((other) => keysTo(other, one)).map(({ foreignColumns }) => foreignColumns[0]);
    const id = own ?? one.key[0];
    if (id) routes.set(one, { kind: 'column', column: id, why: 'this type is the tenant itself' });
    return;
  }
  if (columnIn(one, column)) {
    routes.set(one, { kind: 'column', column, why: `column ${column}` });
    return;
  }
  const others = root ? keysTo(one, root).filter(({ columns }) => columns.length === 1) : [];
  const [key, second] = others;
  if (!key || second || looksLikeUsers(one.table.name)) return;
  routes.set(one, { kind: 'column', column: key.columns[0] as string, why: `column ${key.columns[0]} points to ${root?.typename}` });
}

/** Finds a table such as `memberships`, which has one row for each pair of a row of `one` and a tenant. */
function byMembers(candidates: Candidate[], one: Candidate, routes: Map<Candidate, TenantRoute>): TenantRoute | null {
  for (const other of candidates) {
    const [key, second] = keysTo(other, one);
    const column = routes.get(other)?.column;
    if (!key || second || other === one || column === undefined || keysTo(one, other).length > 0) continue;
    if (!isSame(key.foreignColumns, one.key)) continue;
    const pairs = [other.table.primaryKey, ...other.table.uniqueKeys];
    if (pairs.some((pair) => isSame(pair, [...key.columns, column])))
      return { kind: 'several', other, key, why: `each ${other.typename} row adds a tenant; there may be several` };
  }
  return null;
}

/**
 * Adds routes for tables whose rows refer to a parent row with a tenant. Proceeds level by level, so that the shortest path
 * of foreign keys is chosen.
 */
function addByParents(candidates: Candidate[], routes: Map<Candidate, TenantRoute>): void {
  for (let isMore = true; isMore; ) {
    const level = candidates.flatMap((one): [Candidate, TenantRoute][] => {
      if (routes.has(one)) return [];
      const [found] = parentsOf(candidates, one, routes);
      return found ? [[one, found]] : [];
    });
    for (const [one, found] of level) routes.set(one, found);
    isMore = level.length > 0;
  }
}

/**
 * Returns the routes by which a row of `one` may get its tenant from a parent row, the most likely first. Prefers NOT NULL
 * foreign keys, then foreign keys in the primary key, then parents that don't look like users.
 */
function parentsOf(candidates: Candidate[], one: Candidate, routes: Map<Candidate, TenantRoute>): TenantRoute[] {
  const ways = one.table.foreignKeys.flatMap((key) => {
    const other = targetOf(candidates, key);
    const kind = other && routes.get(other)?.kind;
    const [column, second] = key.columns;
    if (!other || other === one || !column || second || !isSame(key.foreignColumns, other.key)) return [];
    if (kind !== 'column' && kind !== 'parent') return [];
    const position = one.key.indexOf(column);
    const cost = [columnIn(one, column)?.notNull ? 0 : 1, position < 0 ? 100 : position, looksLikeUsers(other.table.name) ? 1 : 0];
    const why = `tenant of its ${other.typename}, by column ${column}${cost[0] ? ' (nullable)' : ''}`;
    return [{ cost, route: { kind: 'parent', other, key, why } as TenantRoute }];
  });
  ways.sort((a, b) => a.cost.map((part, at) => part - (b.cost[at] as number)).find((difference) => difference !== 0) ?? 0);
  return ways.map((way) => way.route);
}

/**
 * Finds the table whose rows are parts of a row of `one`, and therefore have its tenant: their key begins with a foreign
 * key to `one`. Returns `null` when there is no such table, or several.
 */
function byChildren(candidates: Candidate[], one: Candidate, routes: Map<Candidate, TenantRoute>): TenantRoute | null {
  const [first, second] = childrenOf(candidates, one, routes).filter(({ other, key }) =>
    isSame((other as Candidate).key.slice(0, key?.columns.length), key?.columns ?? []),
  );
  return first && !second ? first : null;
}

/** Returns the routes by which a row of `one` may get its tenant from rows of another table that refer to it. */
export function childrenOf(candidates: Candidate[], one: Candidate, routes: Map<Candidate, TenantRoute>): TenantRoute[] {
  return candidates.flatMap((other): TenantRoute[] => {
    const [key, second] = keysTo(other, one);
    const kind = routes.get(other)?.kind;
    if (!key || second || other === one || keysTo(one, other).length > 0 || !isSame(key.foreignColumns, one.key)) return [];
    if (kind !== 'column' && kind !== 'parent') return [];
    return [{ kind: 'children', other, key, why: `tenant of the ${other.typename} rows that belong to it` }];
  });
}
