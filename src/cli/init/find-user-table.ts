// Finds the table that says which tenant a user belongs to, and its column that says which users may manage webhooks.

import type { Candidate } from './find-candidates.js';
import type { Tenancy } from './find-tenants.js';
import { looksLikeUsers, snakeCase } from './names.js';

export interface UserTable {
  /** A table with a row for each user of each tenant: the users, or their memberships. */
  table: Candidate;
  /** The column of `table` with the user's id. */
  user: string;
  /** The column of `table` with the tenant. */
  tenant: string;
  /** The column that says who may manage webhooks; `null` when no column suggests it. */
  mayManage: MayManage | null;
  /** A column with the user's API key in clear text; `null` when there is none. */
  token: string | null;
}

export interface MayManage {
  column: string;
  /** Enum values that grant the right; absent for a boolean column. */
  oneOf?: string[];
}

export function findUserTable(candidates: Candidate[], { routes }: Tenancy): UserTable | null {
  const pointing = (one: Candidate) =>
    candidates.filter(({ table }) =>
      table.foreignKeys.some((key) => key.table.name === one.table.name && key.table.schema === one.table.schema),
    ).length;
  const userTables = candidates.filter(({ table, key }) => looksLikeUsers(table.name) && key.length === 1);
  userTables.sort((a, b) => pointing(b) - pointing(a));
  for (const one of userTables) {
    const found = routes.get(one);
    const id = one.key[0] as string;
    if (found?.kind === 'column')
      return { table: one, user: id, tenant: found.column as string, mayManage: mayManageOf(one), token: tokenOf(one) };
    const other = found?.kind === 'several' ? found.other : undefined;
    const [user, tenant] = [found?.key?.columns[0], other && routes.get(other)?.column];
    if (other && user !== undefined && tenant !== undefined)
      return { table: other, user, tenant, mayManage: mayManageOf(other), token: null };
  }
  return null;
}

function mayManageOf({ table: { columns } }: Candidate): MayManage | null {
  const plain = columns.find(
    ({ name, type }) =>
      type === 'bool' && /^(is_|may_|can_)?(admin|administrator|owner|superuser|manager|manage(_\w+)?)$/.test(snakeCase(name)),
  );
  if (plain) return { column: plain.name };
  const role = columns.find(({ name, labels }) => snakeCase(name) === 'role' && labels !== null);
  const oneOf = role?.labels?.filter((label) => /owner|admin/i.test(label)) ?? [];
  return role && oneOf.length > 0 ? { column: role.name, oneOf } : null;
}

function tokenOf({ table: { columns, uniqueKeys } }: Candidate): string | null {
  const found = columns.find(
    ({ name, type }) =>
      /^(api_?(key|token)|access_token|token)$/.test(snakeCase(name)) &&
      /^(text|varchar)$/.test(type) &&
      uniqueKeys.some((key) => key.length === 1 && key[0] === name),
  );
  return found?.name ?? null;
}
