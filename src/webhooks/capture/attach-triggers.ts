// Creates, replaces and drops triggers and functions until the database matches the announced nodes. Only `hookgraph migrate` runs this.
import type { Pool, PoolClient } from 'pg';
import pg from 'pg';
import { BEGIN, LOCK_TIMEOUT_MS, type LockRetries, retryLocked } from '../../runtime/lock-retries.js';
import type { Logger } from '../../runtime/logger.js';
import { withAdvisoryLock } from '../../runtime/pooler.js';
import { schemaOf } from '../../runtime/schema-name.js';
import { WebhooksError } from '../base/errors.js';
import { linkTypename } from '../base/links.js';
import type { AnnouncedNode } from '../base/model.js';
import { decidingRows } from '../base/own-node.js';
import { checkNodes, joinProblems } from './check-nodes.js';
import { expectedFunctions, hasBody, MARK, type MarkedFunction, targetsOf } from './expected-objects.js';
import { linkedRowsName, touchesLinked, touchLinkedName } from './link-functions.js';
import { proveCapture } from './prove-capture.js';
import type { AnnouncedTable } from './row-sql.js';
import { readTableFacts } from './table-facts.js';
import { membersFunctionName, tenantsFunctionName } from './tenant-functions.js';
import { createTriggerSql, dropTrigger, functionsOf, isEnabled, TRIGGER_NAMES, type TriggerSql, triggerName } from './trigger-sql.js';

const id = pg.escapeIdentifier;

/**
 * Makes the triggers and functions match the nodes, and returns the names of the tables that it changed. Checks everything before it
 * changes anything. An advisory lock serializes runs. Each table has its own transaction, so the next run completes an interrupted one.
 * @throws WebhooksError with the problems of all tables: the codes of check-nodes.ts and prove-capture.ts, and TENANT_SQL_INVALID
 * @throws WebhooksError ATTACH_BLOCKED when a table stays locked by another transaction
 */
export async function attachTriggers(
  pool: Pool,
  nodes: AnnouncedNode[],
  log: Logger,
  { giveUpMs }: Pick<LockRetries, 'giveUpMs'> = {},
): Promise<{ changed: string[] }> {
  const retries: LockRetries = { log, ...(giveUpMs !== undefined && { giveUpMs }), refuse: refuseBlocked };
  const changed = await withAdvisoryLock(pool, `hashtextextended('hookgraph.attach', 0)`, async (client) => {
    const facts = await readTableFacts(
      client,
      nodes.map((node) => node.table),
    );
    const { tables, problems, warnings } = checkNodes(nodes, facts);
    const invalidTenants = await checkTenantSql(client, tables);
    problems.push(...invalidTenants.values());
    const functions = await changedFunctions(client, tables, schemaOf(pool));
    const isChanged = (table: AnnouncedTable) => functionsOf(table, tables).some(({ name }) => functions.some((one) => one.name === name));
    const untried = tables.filter((table) => isChanged(table) && !invalidTenants.has(table));
    if (untried.length > 0) {
      const reading = { mode: 'AccessShare', on: untried.map(nameOf) } as const;
      problems.push(...(await retryLocked(client, reading, retries, () => proveCapture(client, untried, tables))));
    }
    if (problems.length > 0) throw joinProblems(problems);
    for (const warning of [...warnings, ...tables.flatMap(unownedWarning)]) log.warn(warning);
    await replaceFunctions(client, functions);
    await client.query(nodeTypesSql(tables));
    const changed = await replaceTriggers(client, tables, schemaOf(pool), retries);
    for (const statement of await findFunctionDrops(client, tables)) await client.query(statement);
    return changed;
  });
  return { changed: changed ?? [] };
}

const nameOf = ({ facts }: AnnouncedTable) => `${id(facts.schema)}.${id(facts.name)}`;

function unownedWarning({ facts: { schema, name, subscriptions, isOwned } }: AnnouncedTable): string[] {
  if (isOwned || subscriptions.length === 0) return [];
  return [
    `rows that logical replication writes to ${schema}.${name} (${subscriptions.join(', ')}) are recorded only if the owner of the table runs \`hookgraph migrate\``,
  ];
}

async function inTransaction<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query(BEGIN);
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Returns a FROM item with the columns that triggers can read: all but virtual generated columns. */
function readable(table: AnnouncedTable): string {
  const columns = Object.entries(table.facts.columns);
  const seen = columns.filter(([, { virtual }]) => virtual === null).map(([column]) => id(column));
  return seen.length === columns.length ? nameOf(table) : `(SELECT ${seen.join(', ')} FROM ${nameOf(table)})`;
}

/**
 * Checks the SQL expressions by which nodes declare the tenant of a row, and returns the invalid ones. A trigger catches the error of such
 * an expression, and the event then notifies nobody; mistakes must therefore be found here.
 */
export async function checkTenantSql(client: PoolClient, tables: AnnouncedTable[]): Promise<Map<AnnouncedTable, WebhooksError>> {
  const problems = new Map<AnnouncedTable, WebhooksError>();
  for (const table of tables) {
    const { node, facts } = table;
    if (!('sql' in node.tenant)) continue;
    const { sql } = node.tenant;
    await inTransaction(client, async () => {
      await client.query('SET LOCAL search_path = pg_catalog, pg_temp');
      await client.query(`EXPLAIN SELECT (\n${sql}\n)::text FROM ${readable(table)} r`);
    }).catch((error: Error) => {
      problems.set(
        table,
        new WebhooksError(
          'TENANT_SQL_INVALID',
          `The tenant of ${node.typename}, \`${sql}\`, is not a valid expression over a row r of ${facts.schema}.${facts.name}: ${error.message}.`,
          "Qualify tables, functions and types outside pg_catalog with their schema. The expression can't read VIRTUAL columns.",
          { cause: error },
        ),
      );
    });
  }
  return problems;
}

/**
 * Returns the statements that update the relay's data about the types: the tables `node_types`, `links` and `tenant_sources`. The last one
 * has the functions by which the relay finds, after the commit, the tenants of types whose tenant is decided by other rows.
 */
export function nodeTypesSql(tables: AnnouncedTable[]): string {
  const sources = tables.flatMap(({ node }) => {
    const deciding = decidingRows(node);
    return deciding
      ? [
          {
            typename: node.typename,
            child_typename: deciding.typename,
            child_columns: deciding.columns,
            function_name: tenantsFunctionName(node),
            members_function: 'several' in node.tenant ? membersFunctionName(node) : null,
          },
        ]
      : [];
  });
  const nodes = tables.map(({ node }) => node);
  const types = nodes.map((node) => ({
    typename: node.typename,
    updated_at_column: node.updatedAt ?? null,
    rows_function: node.links?.length ? linkedRowsName(node) : null,
    touch_function: touchesLinked(node) ? touchLinkedName(node) : null,
  }));
  const links = nodes.flatMap((node) =>
    (node.links ?? []).map((link) => {
      const typename = linkTypename(link, nodes);
      return {
        typename: node.typename,
        field: link.field,
        link_typename: typename,
        columns: link.columns,
        identity_columns: [...link.columns, ...link.otherColumns].sort(),
        other_ends: link.otherEnds ?? [link.otherColumns],
        is_internal: nodes.some((other) => other.typename === typename && 'none' in other.tenant),
      };
    }),
  );
  return `${wantedRows('tenant_sources', sources)}, gone AS (DELETE FROM hookgraph.tenant_sources WHERE typename NOT IN (SELECT typename FROM wanted))
     INSERT INTO hookgraph.tenant_sources AS t SELECT * FROM wanted
     ON CONFLICT (typename) DO UPDATE SET child_typename = EXCLUDED.child_typename, child_columns = EXCLUDED.child_columns,
       function_name = EXCLUDED.function_name, members_function = EXCLUDED.members_function
     WHERE t IS DISTINCT FROM EXCLUDED;
     ${wantedRows('node_types', types)}, gone AS (DELETE FROM hookgraph.node_types WHERE typename NOT IN (SELECT typename FROM wanted))
     INSERT INTO hookgraph.node_types AS t SELECT * FROM wanted
     ON CONFLICT (typename) DO UPDATE SET updated_at_column = EXCLUDED.updated_at_column, rows_function = EXCLUDED.rows_function,
       touch_function = EXCLUDED.touch_function
     WHERE t IS DISTINCT FROM EXCLUDED;
     ${wantedRows('links', links)}, gone AS (DELETE FROM hookgraph.links WHERE (typename, field) NOT IN (SELECT typename, field FROM wanted))
     INSERT INTO hookgraph.links AS t SELECT * FROM wanted
     ON CONFLICT (typename, field) DO UPDATE SET link_typename = EXCLUDED.link_typename, columns = EXCLUDED.columns,
       identity_columns = EXCLUDED.identity_columns, other_ends = EXCLUDED.other_ends, is_internal = EXCLUDED.is_internal
     WHERE t IS DISTINCT FROM EXCLUDED`;
}

const wantedRows = (table: string, rows: object[]): string =>
  `WITH wanted AS MATERIALIZED (SELECT * FROM jsonb_populate_recordset(NULL::hookgraph.${table}, ${pg.escapeLiteral(JSON.stringify(rows))}::jsonb))`;

async function readFunctions(client: PoolClient): Promise<Map<string, { signature: string; comment: string; body: string }>> {
  const { rows } = await client.query<{ name: string; signature: string; comment: string; body: string }>(
    `SELECT p.proname AS name, p.oid::regprocedure::text AS signature, d.description AS comment, md5(p.prosrc) AS body
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_proc'::regclass
     WHERE p.pronamespace = to_regnamespace('hookgraph') AND d.description LIKE $1`,
    [`${MARK}: %`],
  );
  return new Map(rows.map(({ name, ...rest }) => [name, rest]));
}

export async function changedFunctions(client: PoolClient, tables: AnnouncedTable[], schema: string): Promise<MarkedFunction[]> {
  const present = await readFunctions(client);
  return expectedFunctions(tables).filter((one) => {
    const found = present.get(one.name);
    return found?.comment !== one.comment || !hasBody(one, found, schema);
  });
}

async function replaceFunctions(client: PoolClient, changed: MarkedFunction[]): Promise<void> {
  if (changed.length === 0) return;
  await inTransaction(client, async () => {
    for (const one of changed) await client.query(functionSql(one));
  });
}

export function functionSql({ name, arguments: parameters, sql, comment }: MarkedFunction): string {
  const signature = `hookgraph.${id(name)}(${parameters})`;
  return `${sql}; REVOKE ALL ON FUNCTION ${signature} FROM PUBLIC; COMMENT ON FUNCTION ${signature} IS ${pg.escapeLiteral(comment)}`;
}

/** Returns the statements that drop the functions of types that are no longer announced. */
export async function findFunctionDrops(client: PoolClient, tables: AnnouncedTable[]): Promise<string[]> {
  const expected = new Set(expectedFunctions(tables).map(({ name }) => name));
  const present = [...(await readFunctions(client))].filter(([name]) => !expected.has(name));
  return present.map(([, { signature }]) => `DROP FUNCTION ${signature}`);
}

interface PresentTrigger {
  oid: number;
  schema: string;
  table: string;
  name: string;
  function: string;
  enabled: string;
  /** Whether this role may drop the trigger, for which it must own the table. Creating a trigger needs only the privilege TRIGGER. */
  mayDrop: boolean;
}

async function readTriggers(client: PoolClient, schema: string): Promise<PresentTrigger[]> {
  const { rows } = await client.query<PresentTrigger>(
    `SELECT c.oid, n.nspname AS schema, c.relname AS table, t.tgname AS name, p.proname AS function, t.tgenabled AS enabled,
       pg_has_role(c.relowner, 'USAGE') AS "mayDrop"
     FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = to_regnamespace('hookgraph')
     WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname = ANY ($1)`,
    [TRIGGER_NAMES.map((name) => triggerName(name, schema))],
  );
  return rows;
}

/** Creates the missing triggers and drops the wrong ones. Returns the names of the tables whose triggers were changed. */
async function replaceTriggers(client: PoolClient, tables: AnnouncedTable[], schema: string, retries: LockRetries): Promise<string[]> {
  const changes = await findTriggerChanges(client, tables, schema);
  for (const change of changes) await changeTable(client, change, retries);
  return changes.map(({ table }) => table);
}

/** The statements that correct the triggers of one table. */
interface TriggerChange {
  table: string;
  statements: string[];
  drops: boolean;
}

export async function findTriggerChanges(client: PoolClient, tables: AnnouncedTable[], schema: string): Promise<TriggerChange[]> {
  const targets = tables.flatMap((table) =>
    targetsOf(table, schema).map(({ relation, create }) => ({
      oid: relation.oid,
      table: `${id(relation.schema)}.${id(relation.name)}`,
      triggers: create,
      isOwned: table.facts.isOwned,
    })),
  );
  const present = await readTriggers(client, schema);
  for (const { oid, schema, table } of present) {
    if (!targets.some((target) => target.oid === oid))
      targets.push({ oid, table: `${id(schema)}.${id(table)}`, triggers: [], isOwned: false });
  }
  return targets.flatMap((target) => {
    const own = present.filter(({ oid }) => oid === target.oid);
    const fits = (trigger: TriggerSql) =>
      own.some((present) => present.name === trigger.name && present.function === trigger.functionName && isEnabled(trigger, present));
    const missing = target.triggers.filter((trigger) => !fits(trigger) && (target.isOwned || !trigger.replica));
    const wrong = own.filter(({ name }) => !target.triggers.some((trigger) => trigger.name === name && fits(trigger)));
    if (missing.length + wrong.length === 0) return [];
    const statements = [
      ...wrong.map(({ name, mayDrop }) => dropTrigger(name, target.table, mayDrop)),
      ...missing.map((trigger) => createTriggerSql(trigger, target.table)),
    ];
    return [{ table: target.table, statements, drops: wrong.length > 0 }];
  });
}

async function changeTable(client: PoolClient, { table, statements, drops }: TriggerChange, retries: LockRetries): Promise<void> {
  const lock = { mode: drops ? 'AccessExclusive' : 'ShareRowExclusive', on: [table] } as const;
  await retryLocked(client, lock, retries, () =>
    inTransaction(client, () => client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; ${statements.join('; ')}`)),
  );
  retries.log?.debug({ table, statements: statements.length }, 'capture triggers were updated');
}

const refuseBlocked: LockRetries['refuse'] = (seconds, { tables, holders }, cause) =>
  new WebhooksError(
    'ATTACH_BLOCKED',
    `Attaching triggers to ${tables} failed: other transactions locked the table for ${seconds} s. ${holders}`.trim(),
    'Wait until these transactions end, or end them with `SELECT pg_terminate_backend(<pid>)`; then run `hookgraph migrate` again.',
    { cause },
  );
