// Turns the host's table options into announced nodes. Fills in what an option leaves out (table, key, columns) from
// Postgres' catalog, the source's models (such as Prisma's) and the GraphQL schema. Returns every problem found, too.
import type { GraphQLSchema } from 'graphql';
import type { AnnouncedNode, Lifecycle, TenantSource } from '../../webhooks/index.js';
import type { SourceModel } from '../source.js';
import { columnOf, fieldsOf } from './fields.js';
import { findTable } from './find-table.js';
import { relationsOf } from './generated-relations.js';
import type { KnownTable } from './known-table.js';
import { linksOf } from './links.js';
import type { CatalogTable } from './read-catalog.js';
import { relationOf, targetOf } from './relations.js';
import type { AnnouncementProblem, TableDefaults, TableOptions, Tables, When } from './table-options.js';

export interface Knowledge {
  catalog: CatalogTable[];
  models: SourceModel[];
  /** The host's GraphQL schema; absent when Hookgraph generates one from the catalog. */
  schema?: GraphQLSchema;
}

export interface Completed {
  nodes: AnnouncedNode[];
  tables: KnownTable[];
  problems: AnnouncementProblem[];
}

export function completeAnnouncements({ defaults = {}, ...types }: Tables, knowledge: Knowledge): Completed {
  const problems: AnnouncementProblem[] = [];
  const tables = Object.entries(types as Record<string, TableOptions>).flatMap(([typename, options]) => {
    const found = findTable({ typename, options, defaults, ...knowledge });
    if ('problem' in found) {
      problems.push({ typename, ...found.problem });
      return [];
    }
    const model = knowledge.models.find((candidate) => candidate.typename === typename);
    const { table } = found;
    return [{ typename, options, table, model, fields: fieldsOf({ typename, table, model, ...knowledge }) }];
  });
  const missing = new Set(problems.map(({ typename }) => typename));
  const nodes = tables.flatMap((known) => {
    const node = announce(known, {
      tables,
      missing,
      defaults,
      schema: knowledge.schema,
      catalog: knowledge.catalog,
      fail: (problem) => problems.push(problem),
    });
    return node ? [node] : [];
  });
  return { nodes, tables, problems };
}

interface Surroundings {
  tables: KnownTable[];
  /** Types whose table was not found. Each is reported once, and types whose tenant comes from such a type are not reported in addition. */
  missing: Set<string>;
  defaults: TableDefaults;
  schema: GraphQLSchema | undefined;
  catalog: CatalogTable[];
  fail(problem: AnnouncementProblem): void;
}

function announce(known: KnownTable, around: Surroundings): AnnouncedNode | null {
  const { typename, options, table, fields } = known;
  const { defaults } = around;
  const fail = (message: string, hint: string) => around.fail({ typename, message, hint });
  /** Returns the column that an option names, and reports it if the table lacks it. Without the option, tries default names silently. */
  const named = (option: 'softDelete' | 'environment' | 'createdAt' | 'updatedAt', ...usual: string[]): string | undefined => {
    const said = options[option];
    if (said !== undefined) {
      const column = columnOf(known, said);
      if (!column)
        fail(`\`${option}\` names "${said}", but ${nameOf(table)} has no such column.`, `The table has the columns ${columnsOf(table)}.`);
      return column;
    }
    return [defaults[option], ...usual].map((name) => name && columnOf(known, name)).find(Boolean) || undefined;
  };
  const key = options.key?.map((name) => columnOf(known, name) ?? name) ?? table.primaryKey;
  if (key.length === 0)
    fail(
      `${nameOf(table)} has no primary key, so its rows can't be identified.`,
      'Add a primary key, or set `key: […]` to the columns of a unique index.',
    );
  const omitted = omittedColumns(known, around);
  const tenant = tenantOf(known, key, around);
  const lifecycle = Object.entries(options.when ?? {}).flatMap(([topic, when]) => lifecycleOf(known, { topic, when, fail }) ?? []);
  const links = linksOf(known, key, { ...around, fail });
  const softDelete = named('softDelete');
  const environment = named('environment');
  const createdAt = named('createdAt', 'created_at', 'createdAt');
  const updatedAt = updatedAtOf(table, named('updatedAt', 'updated_at', 'updatedAt'));
  if (!tenant || key.length === 0) return null;
  const columns = Object.fromEntries(Object.entries(fields).filter(([column]) => !omitted.has(column)));
  const relations = relationsOf(known, { ...around, columns: Object.keys(columns) });
  return {
    typename,
    ...(options.topic !== undefined && { topic: options.topic }),
    table: { schema: table.schema, name: table.name },
    key,
    columns,
    tenant,
    ...(environment && { environment: { column: environment } }),
    ...(softDelete && { softDelete: { column: softDelete } }),
    ...(createdAt && { createdAt }),
    ...((options.truncate ?? defaults.truncate) === 'allow' && { allowsTruncate: true }),
    ...(updatedAt && { updatedAt, setsUpdatedAt: defaults.maintainsUpdatedAt === true }),
    ...(options.operations && { operations: options.operations }),
    ...(lifecycle.length > 0 && { lifecycle }),
    ...(links.length > 0 && { links }),
    ...(relations.length > 0 && { relations }),
  };
}

function omittedColumns(known: KnownTable, { defaults, fail }: Surroundings): Set<string> {
  const omitted = new Set<string>();
  for (const name of defaults.omit ?? []) {
    const column = columnOf(known, name);
    if (column) omitted.add(column);
  }
  for (const name of known.options.omit ?? []) {
    const column = columnOf(known, name);
    if (column) omitted.add(column);
    else
      fail({
        typename: known.typename,
        message: `\`omit\` names "${name}", but ${nameOf(known.table)} has no such column.`,
        hint: `The table has the columns ${columnsOf(known.table)}.`,
      });
  }
  return omitted;
}

function tenantOf(known: KnownTable, key: string[], { tables, missing, defaults, schema, fail }: Surroundings): TenantSource | null {
  const { typename, options, table } = known;
  const said = options.tenants ?? options.tenant ?? defaults.tenant;
  const refuse = (message: string): null => {
    fail({ typename, message, hint: hintOfTenant(known, tables) });
    return null;
  };
  if (said === undefined) return refuse('has no `tenant` option, so the owner of its rows is unknown.');
  if (typeof said === 'string') {
    const column = columnOf(known, said);
    if (column) return { column };
    return refuse(
      options.tenant === undefined
        ? `has no column "${said}", which is the default \`tenant\`.`
        : `\`tenant\` names "${said}", but ${nameOf(table)} has no such column.`,
    );
  }
  if ('sql' in said) return { sql: said.sql };
  const relation = relationOf(known, said.of, { tables, schema });
  if (!relation && missing.has(targetOf(known, said.of, schema))) return null;
  if (!relation) return refuse(`\`of: '${said.of}'\` names no relation of ${typename} to another announced table.`);
  const { other, columns, foreignColumns, holdsKey } = relation;
  if (holdsKey && options.tenants)
    return refuse(`\`tenants\` needs rows that refer to ${typename}, but ${typename} itself refers to "${said.of}".`);
  if (holdsKey) {
    const [column, second] = columns;
    if (!column || second)
      return refuse(`the foreign key of "${said.of}" has several columns, but \`tenant\` needs a foreign key of a single column.`);
    return { parent: { column, typename: other.typename } };
  }
  // A foreign key may list its columns in another order than the key; sorts them in the order of the key's columns.
  const pointing = key.map((column) => foreignColumns[columns.indexOf(column)]).filter((column) => column !== undefined);
  if (pointing.length !== key.length || columns.length !== key.length)
    return refuse(`the rows of "${said.of}" refer to the columns (${columns.join(', ')}), but must refer to the key (${key.join(', ')}).`);
  const source = { typename: other.typename, columns: pointing };
  return options.tenants ? { several: source } : { children: source };
}

/** Returns the hint for a type whose tenant is unknown: `tenant` options to choose from, with the table's foreign keys. */
function hintOfTenant({ table }: KnownTable, tables: KnownTable[]): string {
  const parents = table.foreignKeys.flatMap(({ columns, table: to }) => {
    const other = tables.find((known) => known.table.schema === to.schema && known.table.name === to.name);
    return other ? [`\`tenant: { of: '${columns[0]}' }\` (its ${other.typename})`] : [];
  });
  const choices = ['`tenant: <column>`', ...parents.slice(0, 3), '`tenant: { sql: "…" }`'];
  return `Set ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}. The table has the columns ${columnsOf(table)}.`;
}

function lifecycleOf(
  known: KnownTable,
  { topic, when, fail }: { topic: string; when: When; fail: (message: string, hint: string) => void },
): Lifecycle | null {
  const [first, second] = Object.entries(when);
  if (first === undefined || second !== undefined) {
    fail(`\`when\` of "${topic}" must name a single field.`, "Write it as `'invoice/paid': { status: 'paid' }`.");
    return null;
  }
  const [field, value] = first;
  const column = columnOf(known, field);
  if (!column) {
    fail(
      `\`when\` of "${topic}" names "${field}", but ${nameOf(known.table)} has no such column.`,
      `The table has the columns ${columnsOf(known.table)}.`,
    );
    return null;
  }
  const change: { from?: string; to: string; description?: string } = typeof value === 'string' ? { to: value } : value;
  const { description } = change;
  const stored = (name: string) => known.model?.enums?.[column]?.[name] ?? name;
  const labels = known.table.columns.find(({ name }) => name === column)?.labels;
  for (const name of new Set([change.to, change.from ?? change.to]))
    if (labels && !labels.includes(stored(name)))
      fail(
        `\`when\` of "${topic}" names the value "${name}", which "${field}" can't have.`,
        `The possible values are ${labels.join(', ')}.`,
      );
  return {
    topic,
    column,
    to: stored(change.to),
    ...(change.from !== undefined && { from: stored(change.from) }),
    ...(description !== undefined && { description }),
  };
}

function updatedAtOf({ columns }: CatalogTable, column: string | undefined): string | undefined {
  const found = columns.find(({ name }) => name === column);
  return found && /^timestamptz?$/.test(found.type) && !found.isGenerated ? column : undefined;
}

const nameOf = ({ schema, name }: { schema: string; name: string }): string => (schema === 'public' ? name : `${schema}.${name}`);

const columnsOf = ({ columns }: CatalogTable): string => columns.map(({ name }) => name).join(', ');
