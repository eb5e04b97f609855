// Generates the SQL functions by which capture triggers detect altered columns, compute virtual columns and compare large values. Runs no
// SQL.
import pg from 'pg';
import { differSql } from './large-values.js';
import { type AnnouncedTable, factsOf, functionName, largeColumns, readColumns, virtualColumns, virtualInputs } from './row-sql.js';
import { type FunctionSql, IS_PROOF } from './shared-functions.js';
import { type ColumnFacts, castsSql } from './table-facts.js';

const id = pg.escapeIdentifier;
const text = pg.escapeLiteral;

/**
 * Generates the function that returns whether the columns that the triggers read, and the casts of their types, are unchanged since the
 * triggers were attached. It is declared IMMUTABLE although it reads the catalog, so that Postgres evaluates it only when it plans a
 * statement of the trigger. The plan contains the table's oid, so every ALTER TABLE discards it and Postgres evaluates the function again.
 */
export function inStepFunction({ node, facts }: AnnouncedTable): FunctionSql {
  const name = functionName('in_step', node);
  const used = readColumns({ node, facts }).sort();
  const expected = used.map((column) => {
    const { type, virtual, generatedFrom } = facts.columns[column] as ColumnFacts;
    return `(${text(column)}, ${text(type)}, ${text(virtual !== null ? 'v' : generatedFrom !== null ? 's' : '')})`;
  });
  return {
    name,
    arguments: '',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $hookgraph$
BEGIN
  IF (SELECT count(*) = ${used.length} FROM (VALUES ${expected.join(', ')}) AS expected (name, type, generated)
      JOIN pg_attribute a ON a.attrelid = ${facts.oid} AND a.attname = expected.name AND NOT a.attisdropped AND a.attgenerated = expected.generated
        AND a.atttypid = to_regtype(expected.type))
    AND ${castsSql(String(facts.oid))} = ARRAY[${facts.casts.join(', ')}]::bigint[] THEN
    RETURN true;
  END IF;
  RAISE LOG 'hookgraph: the columns of % were altered since its triggers were attached; until hookgraph migrate, its changes are recorded more slowly', ${text(`${facts.schema}.${facts.name}`)};
  RETURN false;
END $hookgraph$`,
  };
}

/**
 * Generates the function that computes the announced VIRTUAL generated columns of a row, which triggers can't read. It gets the columns
 * from which they are computed, as texts, and returns one JSON object. A column whose expression fails is null in it, so that the write
 * succeeds, as it does without triggers.
 */
export function virtualFunction(own: AnnouncedTable): FunctionSql {
  const name = functionName('virtual', own.node);
  const inputs = factsOf(own, virtualInputs(own)).map(
    ([column, { type, collation }], index) =>
      `($1)[${index + 1}]::${type}${collation === null ? '' : ` COLLATE ${collation}`} AS ${id(column)}`,
  );
  const values = factsOf(own, virtualColumns(own)).map(
    ([column, { virtual, type }]) => `  BEGIN
    SELECT computed.result || jsonb_build_object(${text(column)}, hookgraph.json_of((${virtual})::${type})) INTO computed.result FROM (SELECT ${inputs.join(', ')}) inputs;
  EXCEPTION WHEN OTHERS THEN
    IF ${IS_PROOF} THEN RAISE; END IF;
    computed.result := computed.result || jsonb_build_object(${text(column)}, NULL);
  END;`,
  );
  return {
    name,
    arguments: 'text[]',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(text[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $hookgraph$
#variable_conflict use_column
<<computed>>
DECLARE result jsonb := '{}';
BEGIN
${values.join('\n')}
  RETURN computed.result;
END computed $hookgraph$`,
  };
}

/** Maximum number of columns that the comparison function compares. It has two parameters for each, and Postgres allows 100 in all. */
const PAIRS = 45;

/**
 * Returns the large columns that the comparison function can have as parameters. Leaves out types outside pg_catalog, which could not be
 * dropped while the function exists, and arrays, because PL/pgSQL reads an array parameter in full.
 */
function typedLarge(own: AnnouncedTable): { index: number; column: string; type: string }[] {
  return factsOf(own, largeColumns(own))
    .map(([column, { type, size }], index) => ({ index, column, type: size === 'TEXT' ? 'pg_catalog.text' : type }))
    .filter(({ type }) => /^pg_catalog\.[^_]/.test(type))
    .slice(0, PAIRS);
}

/**
 * Returns the name of the comparison function. It contains the parameter types: with the same name but other types, Postgres would keep the
 * old function beside the new one instead of replacing it.
 */
function differName(own: AnnouncedTable): string {
  const { schema, name } = own.node.table;
  const parameters = typedLarge(own).map(({ type }) => type);
  return functionName('differ', { ...own.node, table: { schema, name: JSON.stringify([name, parameters]) } });
}

/**
 * Returns SQL that says whether the large column named `k` differs between the old row `o` and the new row `n`; null when `k` is not a
 * large column.
 */
export function largeDifferSql(own: AnnouncedTable): string {
  const typed = typedLarge(own);
  const pairs = typed.flatMap(({ index, type }) => [`o.v${index}::${type}`, `n.v${index}::${type}`]);
  const others = largeColumns(own).flatMap((column, index) =>
    typed.some((one) => one.index === index)
      ? []
      : [`WHEN ${text(column)} THEN ${differSql(`o.v${index}`, `n.v${index}`, own.facts.knowsChunks, 'hookgraph.differ')}`],
  );
  const call = typed.length > 0 ? `hookgraph.${id(differName(own))}(${['k', ...pairs].join(', ')})` : 'NULL';
  return others.length > 0 ? `CASE k ${others.join(' ')} ELSE ${call} END` : call;
}

/**
 * Generates the function that compares the old and the new value of a large column, which its first parameter names. One function serves
 * all columns, because Postgres initializes every expression of a statement, even unused ones. It is in PL/pgSQL, because Postgres 18 plans
 * an SQL function for the given values and reads them in full.
 */
export function largeDifferFunction(own: AnnouncedTable): FunctionSql {
  const name = differName(own);
  const typed = typedLarge(own);
  const parameters = ['text', ...typed.flatMap(({ type }) => [type, type])].join(', ');
  const cases = typed.map(
    ({ column }, index) => `WHEN ${text(column)} THEN ${differSql(`$${index * 2 + 2}`, `$${index * 2 + 3}`, own.facts.knowsChunks)}`,
  );
  return {
    name,
    arguments: parameters,
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(${parameters}) RETURNS boolean LANGUAGE plpgsql STABLE AS $hookgraph$
BEGIN
  RETURN CASE $1 ${cases.join('\n    ')} END;
END $hookgraph$`,
  };
}

export function hasTypedLarge(own: AnnouncedTable): boolean {
  return typedLarge(own).length > 0;
}
