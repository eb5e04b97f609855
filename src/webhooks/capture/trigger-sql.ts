// Generates the SQL of the functions and triggers that record the changes of an announced table. Runs no SQL.
import pg from 'pg';
import { nameSuffix } from '../../runtime/schema-name.js';
import type { AnnouncedNode } from '../base/model.js';
import { decidingRows } from '../base/own-node.js';
import { hasTypedLarge, inStepFunction, largeDifferFunction, virtualFunction } from './column-functions.js';
import { comparedRows, type Rows, repeatedRows } from './compared-rows.js';
import { linkFunctions } from './link-functions.js';
import {
  type AnnouncedTable,
  depthOf,
  functionName,
  keySql,
  type Reading,
  rowsOf,
  textColumns,
  virtualColumns,
  virtualInputs,
} from './row-sql.js';
import { CAPTURE_IS_OFF, type FunctionSql, IS_PROOF, noteFault, PINNED, PINNED_PATH, PINNED_ZONE } from './shared-functions.js';
import { membersFunction, tenantFunction, tenantsFunction } from './tenant-functions.js';
import { columnsThatSetUpdatedAt, updatedAtFunction } from './updated-at-sql.js';

const id = pg.escapeIdentifier;
const text = pg.escapeLiteral;

export interface TriggerSql {
  name: string;
  /** Name of the function that the trigger calls. */
  functionName: string;
  /** The CREATE TRIGGER statement: its parts before and after the name of the table. */
  sql: [before: string, after: string];
  /** Whether Postgres creates the trigger on partitions by itself. */
  inherited: boolean;
  /** Set when the trigger fires only for rows that arrive by logical replication. */
  replica?: true;
}

/** Returns whether the trigger is enabled for the writes for which it should fire. */
export const isEnabled = ({ replica }: TriggerSql, { enabled }: { enabled: string }): boolean =>
  enabled === 'A' || enabled === (replica ? 'R' : 'O');

/** Postgres fires triggers in the order of their names. This one fires last, so that it sees the changes that other triggers make. */
const UPDATED_AT_TRIGGER = 'zz_hookgraph_updated_at';
/** The triggers that record the changes of all writers except logical replication. */
export const CAPTURE_TRIGGERS = ['hookgraph_insert', 'hookgraph_update', 'hookgraph_delete'];
export const REPLICA_TRIGGER = 'hookgraph_replica';
export const TRIGGER_NAMES = [...CAPTURE_TRIGGERS, REPLICA_TRIGGER, 'hookgraph_truncate', UPDATED_AT_TRIGGER];

/**
 * Returns a trigger's name: with a suffix if Hookgraph's schema is not `hookgraph`, because two installations may capture the same table.
 */
export const triggerName = (name: string, schema: string): string => `${name}${nameSuffix(schema)}`;

/**
 * Returns the session settings that the capture function fixes: all of them if the tenant is read from other tables, otherwise only those
 * on which the row's values depend.
 */
function pinnedFor(own: AnnouncedTable): string {
  const { node, facts } = own;
  const settingsOf = (columns: string[]) => columns.map((column) => facts.columns[column]?.formatDependsOn ?? 'ANY');
  const inJson = settingsOf(Object.keys(node.columns));
  const inText = settingsOf([...textColumns(node), ...virtualInputs(own)]);
  const isRead = 'column' in node.tenant || decidingRows(node) !== null;
  if (!isRead || inJson.includes('ANY') || inText.some((by) => by !== 'NONE')) return PINNED;
  return inJson.includes('ZONE') ? PINNED_ZONE : PINNED_PATH;
}

/** Returns all functions of one table. `others` are all announced tables; the table's parents are among them. */
export function functionsOf(own: AnnouncedTable, others: AnnouncedTable[]): FunctionSql[] {
  const isParent = others.some(({ node }) => 'parent' in node.tenant && node.tenant.parent.typename === own.node.typename);
  return [
    inStepFunction(own),
    captureFunction(own, others),
    ...(isReplicated(own) ? [captureFunction(own, others, 'ROW')] : []),
    ...(hasTypedLarge(own) ? [largeDifferFunction(own)] : []),
    ...(virtualColumns(own).length > 0 ? [virtualFunction(own)] : []),
    ...(isParent ? [tenantFunction(own, others)] : []),
    ...(decidingRows(own.node) ? [tenantsFunction(own, others)] : []),
    ...('several' in own.node.tenant ? [membersFunction(own, others)] : []),
    ...(columnsThatSetUpdatedAt(own) ? [updatedAtFunction(own)] : []),
    ...linkFunctions(own, others),
  ];
}

/** Returns the statement that creates the trigger. */
export function createTriggerSql({ name, sql: [before, after], replica }: TriggerSql, table: string): string {
  return `${before} ${table} ${after}${replica ? `; ALTER TABLE ${table} ENABLE REPLICA TRIGGER ${id(name)}` : ''}`;
}

const isReplicated = ({ facts }: AnnouncedTable) => facts.subscriptions.length > 0;

/** Returns all triggers of one table. `schema` is the schema of Hookgraph's functions. */
export function triggersOf(own: AnnouncedTable, schema: string): TriggerSql[] {
  const named = (name: string) => triggerName(name, schema);
  const capture = functionName('capture', own.node);
  const after = (event: string, rows: string): TriggerSql => ({
    name: named(`hookgraph_${event.toLowerCase()}`),
    functionName: capture,
    sql: [
      `CREATE TRIGGER ${named(`hookgraph_${event.toLowerCase()}`)} AFTER ${event} ON`,
      `REFERENCING ${rows} FOR EACH STATEMENT EXECUTE FUNCTION hookgraph.${id(capture)}()`,
    ],
    inherited: false,
  });
  const triggers: TriggerSql[] = [
    after('INSERT', 'NEW TABLE AS new_rows'),
    after('UPDATE', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'),
    after('DELETE', 'OLD TABLE AS old_rows'),
  ];
  if (!own.node.allowsTruncate) {
    triggers.push({
      name: named('hookgraph_truncate'),
      functionName: 'refuse_truncate',
      sql: [
        `CREATE TRIGGER ${named('hookgraph_truncate')} BEFORE TRUNCATE ON`,
        'FOR EACH STATEMENT EXECUTE FUNCTION hookgraph.refuse_truncate()',
      ],
      inherited: false,
    });
  }
  if (isReplicated(own)) {
    const row = functionName('capture_row', own.node);
    triggers.push({
      name: named(REPLICA_TRIGGER),
      functionName: row,
      // Logical replication fires only row triggers that are enabled for it.
      sql: [
        `CREATE TRIGGER ${named(REPLICA_TRIGGER)} AFTER INSERT OR UPDATE OR DELETE ON`,
        `FOR EACH ROW EXECUTE FUNCTION hookgraph.${id(row)}()`,
      ],
      inherited: true,
      replica: true,
    });
  }
  if (columnsThatSetUpdatedAt(own)) {
    const touch = functionName('touch', own.node);
    triggers.push({
      name: named(UPDATED_AT_TRIGGER),
      functionName: touch,
      sql: [`CREATE TRIGGER ${named(UPDATED_AT_TRIGGER)} BEFORE UPDATE ON`, `FOR EACH ROW EXECUTE FUNCTION hookgraph.${id(touch)}()`],
      inherited: true,
    });
  }
  return triggers;
}

/**
 * Returns SQL that drops a trigger. A role that doesn't own the table may replace a trigger but not drop it. For such a role, the SQL
 * replaces the trigger by one that calls a temporary function, and drops that function together with the trigger.
 */
export function dropTrigger(name: string, table: string, mayDrop: boolean): string {
  if (mayDrop) return `DROP TRIGGER IF EXISTS ${id(name)} ON ${table}`;
  const isRow = name.startsWith(UPDATED_AT_TRIGGER) || name.startsWith(REPLICA_TRIGGER);
  const shape = isRow ? ['BEFORE UPDATE', 'ROW'] : ['AFTER DELETE', 'STATEMENT'];
  return `CREATE FUNCTION hookgraph.going() RETURNS trigger LANGUAGE plpgsql AS $hookgraph$ BEGIN RETURN NULL; END $hookgraph$;
    CREATE OR REPLACE TRIGGER ${id(name)} ${shape[0]} ON ${table} FOR EACH ${shape[1]} EXECUTE FUNCTION hookgraph.going();
    DROP FUNCTION hookgraph.going() CASCADE`;
}

/**
 * What one call of the trigger function sees. `STATEMENT`: all rows of a statement, as transition tables. `ROW`: one row, as NEW and OLD.
 */
type Scope = 'STATEMENT' | 'ROW';

/** Returns a WITH clause that replaces the transition tables, which row triggers don't have, by tables of one row. */
function withRows(scope: Scope, ...transitions: string[]): string {
  if (scope === 'STATEMENT') return '';
  return `WITH ${transitions.map((name) => `${name} AS (SELECT ${name === 'new_rows' ? 'NEW' : 'OLD'}.*)`).join(', ')} `;
}

function captureFunction(own: AnnouncedTable, others: AnnouncedTable[], scope: Scope = 'STATEMENT'): FunctionSql {
  const { node, facts } = own;
  const name = functionName(scope === 'ROW' ? 'capture_row' : 'capture', node);
  const bySql = 'sql' in node.tenant;
  const inStep = `hookgraph.${id(functionName('in_step', node))}()`;
  return {
    name,
    arguments: '',
    // The usual path (`ATTACHED`) has no EXCEPTION block, because each statement that writes inside such a block uses up another
    // transaction id.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}() RETURNS trigger LANGUAGE plpgsql ${pinnedFor(own)} AS $hookgraph$
#variable_conflict use_column
<<captured>>
${bySql ? 'DECLARE old_rows_tenants jsonb; new_rows_tenants jsonb;\n' : ''}BEGIN
  IF ${CAPTURE_IS_OFF} THEN RETURN NULL; END IF;
  IF ${inStep} AND (TG_RELID = '${facts.oid}'::regclass) IS NOT NULL THEN
${appendAll(own, others, 'ATTACHED', scope)}
    RETURN NULL;
  END IF;
  BEGIN
${appendAll(own, others, 'ALTERED', scope)}
  EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'hookgraph: recording % of %.% failed, because the table was altered: %', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, SQLERRM;
    ${noteFault(node, 'TG_OP')}
  END;
  RETURN NULL;
END captured $hookgraph$`,
  };
}

function appendAll(own: AnnouncedTable, others: AnnouncedTable[], reading: Reading, scope: Scope): string {
  const { node } = own;
  const rows = (transition: string) => rowsOf(own, others, transition, reading);
  const find = (transition: string) => ('sql' in node.tenant ? findTenants(node, transition, scope) : '');
  const write = (transitions: string[], what: string, from: string) => append(own, others, withRows(scope, ...transitions), what, from);
  return `  IF TG_OP = 'INSERT' THEN${find('new_rows')}
${write(['new_rows'], `'created', NULL, NULL, s.doc`, `${rows('new_rows')} s WHERE s.key IS NOT NULL AND s.alive`)}
  ELSIF TG_OP = 'DELETE' THEN${find('old_rows')}
${write(['old_rows'], `'deleted', NULL, s.doc, NULL`, `${rows('old_rows')} s WHERE s.key IS NOT NULL AND s.alive`)}
  ELSE${find('old_rows')}${find('new_rows')}
${scope === 'STATEMENT' ? appendRepeated(own, others, rows, reading) : ''}${write(['old_rows', 'new_rows'], CHANGE, changesOf(comparedRows(own, rows, reading)))}
  END IF;`;
}

const CHANGE = 's.operation, s.changed, s.before, s.after';
const changesOf = (compared: string): string => `${compared} s WHERE s.changed IS DISTINCT FROM '{}'`;

/** Returns the statements for an UPDATE whose foreign keys changed a row again. */
function appendRepeated(own: AnnouncedTable, others: AnnouncedTable[], rows: Rows, reading: Reading): string {
  const { conditions, tables, remaining } = repeatedRows(own, rows);
  return `    ${conditions.map((condition) => `IF ${condition} THEN`).join('\n    ')}
${append(own, others, tables, CHANGE, changesOf(comparedRows(own, remaining, reading)))}
      RETURN NULL;
    ${conditions.map(() => 'END IF;').join(' ')}
`;
}

/** Generates the INSERT that records changes in `captures`, the only statement of a capture function that writes. */
function append({ node }: AnnouncedTable, others: AnnouncedTable[], tables: string, what: string, from: string): string {
  const { typename, tenant } = node;
  const parent =
    'parent' in tenant ? `CASE WHEN s.tenant IS NULL AND s.parent_key IS NOT NULL THEN ${text(tenant.parent.typename)} END` : 'NULL';
  return `    INSERT INTO hookgraph.captures (depth, tenant, parent_typename, parent_key, environment, typename, node_key, context, operation, changed, before, after)
    ${tables}SELECT ${depthOf(node, others)}, s.tenant, ${parent}, CASE WHEN s.tenant IS NULL THEN s.parent_key END, s.environment, ${text(typename)}, s.key,
      nullif(current_setting('hookgraph.context', true), ''), ${what}
    FROM ${from};`;
}

/** Generates the block that evaluates the application's expression for the tenant. It catches errors, so that the write doesn't fail. */
function findTenants(node: AnnouncedNode, transition: string, scope: Scope): string {
  const { sql } = node.tenant as { sql: string };
  return `
    BEGIN
      ${withRows(scope, transition)}SELECT jsonb_object_agg(${keySql(node)}, (\n${sql}\n)::text) INTO ${transition}_tenants FROM ${transition} r WHERE ${keySql(node)} IS NOT NULL;
    EXCEPTION WHEN OTHERS THEN
      IF ${IS_PROOF} THEN RAISE; END IF;
      RAISE LOG 'hookgraph: computing the tenant of rows of % failed, so their events have none: %', TG_TABLE_NAME, SQLERRM;
      ${noteFault(node, `'TENANT'`)}
    END;`;
}
