// Determines the tenant of each table's rows: by the tenant column that most tables share, and by foreign keys that
// lead to it.
import type { CatalogForeignKey } from '../../sources/catalog/read-catalog.js';
import { looksLikePeople, tenantRank } from './names.js';
import type { Named } from './sight.js';

export interface Whose {
  kind: 'column' | 'parent' | 'children' | 'several';
  /** The column that holds the tenant, if `kind` is `column`. */
  column?: string;
  /** The table that has the tenant, if `kind` isn't `column`. `key` is the foreign key that joins both tables. */
  other?: Named;
  key?: CatalogForeignKey;
  why: string;
}

/** A column that may hold the tenant. */
export interface TenantColumn {
  column: string;
  tables: number;
  /** The table that the column points to. */
  root: Named | undefined;
}

export interface Tenancy {
  tenant: TenantColumn | undefined;
  whose: Map<Named, Whose>;
}

const targetOf = (named: Named[], { table }: CatalogForeignKey): Named | undefined =>
  named.find((one) => one.table.schema === table.schema && one.table.name === table.name);

const keysTo = (from: Named, to: Named): CatalogForeignKey[] =>
  from.table.foreignKeys.filter(({ table }) => table.schema === to.table.schema && table.name === to.table.name);

const isSame = (some: string[], others: string[]) => some.length === others.length && some.every((one) => others.includes(one));

const columnIn = ({ table }: Named, name: string) => table.columns.find((column) => column.name === name);

/** Candidates for the tenant column, the most likely first. */
export function tenantColumns(named: Named[]): TenantColumn[] {
  const names = [...new Set(named.flatMap(({ table }) => table.columns.map(({ name }) => name)))];
  const found = names.flatMap((column) => {
    const rank = tenantRank(column);
    const holders = named.filter((one) => columnIn(one, column));
    const roots = new Set(holders.map((one) => rootBy(named, one, column)));
    roots.delete(undefined);
    const [root] = roots;
    const points = holders.filter((one) => rootBy(named, one, column));
    const isShared = roots.size === 1 && points.length > 1 && points.length * 2 >= named.length - 1;
    if (roots.size > 1 || (rank === null && !isShared)) return [];
    return [{ column, tables: holders.length, root: root ?? rootByName(named, column), rank: rank ?? 1000 }];
  });
  found.sort((a, b) => Number(a.rank === 1000) - Number(b.rank === 1000) || b.tables - a.tables || a.rank - b.rank);
  return found.map(({ rank: _, ...column }) => column);
}

function rootBy(named: Named[], one: Named, column: string): Named | undefined {
  const key = one.table.foreignKeys.find(({ columns }) => columns.length === 1 && columns[0] === column);
  const root = key && targetOf(named, key);
  return root === one ? undefined : root;
}

function rootByName(named: Named[], column: string): Named | undefined {
  const stem = column.replace(/_?(id|uuid|key)$/i, '').toLowerCase();
  return named.find(({ typename }) => typename.toLowerCase() === stem.replaceAll('_', ''));
}

/** Determines the tenant of each table's rows. `said` has the user's answers, which override any guess. */
export function whoseRows(named: Named[], tenant: TenantColumn | undefined, said = new Map<Named, Whose>()): Tenancy {
  const whose = new Map<Named, Whose>(said);
  if (tenant) {
    for (const one of named) if (!whose.has(one)) addByColumn(named, one, tenant, whose);
    for (const one of named) if (!whose.has(one)) add(whose, one, byMembers(named, one, whose));
    addByParents(named, whose);
    const decided = new Map(whose);
    for (const one of named) if (!whose.has(one)) add(whose, one, byChildren(named, one, decided));
  }
  return { tenant, whose };
}

function add(whose: Map<Named, Whose>, one: Named, found: Whose | null): void {
  if (found) whose.set(one, found);
}

function addByColumn(named: Named[], one: Named, { column, root }: TenantColumn, whose: Map<Named, Whose>): void {
  if (one === root) {
    const [own] = named.flatMap((other) => keysTo(other, one)).map(({ foreignColumns }) => foreignColumns[0]);
    const id = own ?? one.key[0];
    if (id) whose.set(one, { kind: 'column', column: id, why: 'this type is the tenant itself' });
    return;
  }
  if (columnIn(one, column)) {
    whose.set(one, { kind: 'column', column, why: `column ${column}` });
    return;
  }
  const others = root ? keysTo(one, root).filter(({ columns }) => columns.length === 1) : [];
  const [key, second] = others;
  if (!key || second || looksLikePeople(one.table.name)) return;
  whose.set(one, { kind: 'column', column: key.columns[0] as string, why: `column ${key.columns[0]} points to ${root?.typename}` });
}

/** Finds a join table that has one row for each pair of a row of `one` and a tenant. */
function byMembers(named: Named[], one: Named, whose: Map<Named, Whose>): Whose | null {
  for (const other of named) {
    const [key, second] = keysTo(other, one);
    const column = whose.get(other)?.column;
    if (!key || second || other === one || column === undefined || keysTo(one, other).length > 0) continue;
    if (!isSame(key.foreignColumns, one.key)) continue;
    const pairs = [other.table.primaryKey, ...other.table.uniqueKeys];
    if (pairs.some((pair) => isSame(pair, [...key.columns, column])))
      return { kind: 'several', other, key, why: `each ${other.typename} row adds a tenant; there may be several` };
  }
  return null;
}

/**
 * Adds tables that get their tenant from a parent. Proceeds level by level, so that the shortest path of foreign keys
 * is chosen.
 */
function addByParents(named: Named[], whose: Map<Named, Whose>): void {
  for (let isMore = true; isMore; ) {
    const level = named.flatMap((one): [Named, Whose][] => {
      if (whose.has(one)) return [];
      const [found] = parentsOf(named, one, whose);
      return found ? [[one, found]] : [];
    });
    for (const [one, found] of level) whose.set(one, found);
    isMore = level.length > 0;
  }
}

/**
 * Returns possible parents, the most likely first. Prefers NOT NULL foreign keys, then foreign keys in the primary key,
 * then parents that don't look like users.
 */
function parentsOf(named: Named[], one: Named, whose: Map<Named, Whose>): Whose[] {
  const ways = one.table.foreignKeys.flatMap((key) => {
    const other = targetOf(named, key);
    const kind = other && whose.get(other)?.kind;
    const [column, second] = key.columns;
    if (!other || other === one || !column || second || !isSame(key.foreignColumns, other.key)) return [];
    if (kind !== 'column' && kind !== 'parent') return [];
    const place = one.key.indexOf(column);
    const cost = [columnIn(one, column)?.notNull ? 0 : 1, place < 0 ? 100 : place, looksLikePeople(other.table.name) ? 1 : 0];
    const why = `tenant of its ${other.typename}, by column ${column}${cost[0] ? ' (nullable)' : ''}`;
    return [{ cost, whose: { kind: 'parent', other, key, why } as Whose }];
  });
  ways.sort((a, b) => a.cost.map((part, at) => part - (b.cost[at] as number)).find((difference) => difference !== 0) ?? 0);
  return ways.map((way) => way.whose);
}

/** Finds the only child table whose key begins with the key of `one`: such rows are parts of a row of `one`. */
function byChildren(named: Named[], one: Named, whose: Map<Named, Whose>): Whose | null {
  const [first, second] = childrenOf(named, one, whose).filter(({ other, key }) =>
    isSame((other as Named).key.slice(0, key?.columns.length), key?.columns ?? []),
  );
  return first && !second ? first : null;
}

/** Tables with a known tenant that point to this table. */
export function childrenOf(named: Named[], one: Named, whose: Map<Named, Whose>): Whose[] {
  return named.flatMap((other): Whose[] => {
    const [key, second] = keysTo(other, one);
    const kind = whose.get(other)?.kind;
    if (!key || second || other === one || keysTo(one, other).length > 0 || !isSame(key.foreignColumns, one.key)) return [];
    if (kind !== 'column' && kind !== 'parent') return [];
    return [{ kind: 'children', other, key, why: `tenant of the ${other.typename} rows that belong to it` }];
  });
}
