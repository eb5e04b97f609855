// Plans the statement that reads rows by key with to-one relations, and the conversion of its result rows to the objects
// that Prisma would return.
import { columnFields, type Datamodel, type Field, keyFields, type Model } from './datamodel.js';
import type { Row } from './prisma-types.js';
import { columnOf, quote, type Read, readOf, tableOf } from './quick-columns.js';

/** The values of a result row, as the texts that Postgres sends. */
export type Texts = (string | null)[];

export interface Shape {
  /**
   * The SQL that reads rows of one model with certain included relations. Its parameter is an array of keys; the first
   * column of its result is the key.
   */
  text: string;
  keyField: Field;
  build(texts: Texts): Row;
}

/** Plans the statement; `null` when only Prisma can read this model with these relations. */
export function planShape(datamodel: Pick<Datamodel, 'modelOf'>, model: Model, include: object | undefined): Shape | null {
  const plan: Plan = { datamodel, columns: [], joins: [], tables: 0 };
  const build = addTable(plan, model, include);
  const [keyField] = keyFields(model);
  if (build === null || !keyField || keyField.kind === 'enum') return null;
  const keyType = KEY_TYPES[keyField.nativeType ?? (keyField.type === 'Int' ? 'Int' : 'Text')];
  if (keyType === undefined) return null;
  const from = `${tableOf(model)} t0 ${plan.joins.join(' ')}`;
  const text = `SELECT ${plan.columns.join(', ')} FROM ${from} WHERE t0.${quote(keyField.column)} = ANY ($1::${keyType}[])`;
  return { text, keyField, build: build as Shape['build'] };
}

const KEY_TYPES: Record<string, string> = { Uuid: 'uuid', Text: 'text', Int: 'int', Integer: 'int' };

interface Plan {
  datamodel: Pick<Datamodel, 'modelOf'>;
  columns: string[];
  joins: string[];
  tables: number;
}

/** Builds Prisma's object from a result row; `null` for a joined row that doesn't exist. */
type Build = (texts: Texts) => Row | null;

/** Adds a table with its included relations to the plan; `null` when only Prisma can read one of its columns or relations. */
function addTable(plan: Plan, model: Model, include: object | undefined): Build | null {
  const table = `t${plan.tables++}`;
  const [keyField, secondKeyField] = keyFields(model);
  const fields = columnFields(model);
  if (!keyField || secondKeyField || fields.some((field) => readOf(field) === null)) return null;
  const first = plan.columns.length;
  // Selects the key first. If it is null in a result, the joined row doesn't exist.
  const ordered = [keyField, ...fields.filter((field) => field !== keyField)];
  plan.columns.push(...ordered.map(({ column }) => `${table}.${quote(column)}`));
  const relations: Relation[] = [];
  for (const [name, value] of Object.entries(include ?? {})) {
    if (value === false || value === undefined) continue;
    const build = addRelation(plan, model, table, name, value);
    if (build === null) return null;
    relations.push({ name, build });
  }
  return builderOf(ordered, first, relations);
}

interface Relation {
  name: string;
  build: Build;
}

/** Joins a to-one relation over a single column of this table; `null` for any other relation. */
function addRelation(plan: Plan, model: Model, table: string, name: string, value: unknown): Build | null {
  const field = model.fields.find((candidate) => candidate.name === name);
  const inner = innerOf(value);
  const [from, secondFrom] = field?.relationFromFields ?? [];
  const [to] = field?.relationToFields ?? [];
  if (!field || field.isList || inner === null || !from || secondFrom || !to) return null;
  const other = plan.datamodel.modelOf(field.type);
  const joined = `t${plan.tables}`;
  const condition = `${joined}.${quote(columnOf(other, to))} = ${table}.${quote(columnOf(model, from))}`;
  // Adds this JOIN before the JOINs of the joined table's own relations, because their conditions refer to this table.
  plan.joins.push(`LEFT JOIN ${tableOf(other)} ${joined} ON ${condition}`);
  return addTable(plan, other, inner.include);
}

/** Returns the nested `include` of a relation; `null` when the relation has other options. */
function innerOf(value: unknown): { include?: object } | null {
  if (value === true) return {};
  if (typeof value !== 'object' || value === null) return null;
  const { include, ...others } = value as { include?: object };
  return Object.values(others).every((other) => other === undefined) ? { ...(include && { include }) } : null;
}

/**
 * Returns the function that builds Prisma's object from a result row's texts.
 * @param first index of the key's text in the result row
 */
function builderOf(ordered: Field[], first: number, relations: Relation[]): Build {
  const parts = ordered.map((field) => ({ name: field.name, isList: field.isList, read: readOf(field) as Read }));
  return (texts) => {
    if (texts[first] === null) return null;
    const row: Row = {};
    for (let i = 0; i < parts.length; i++) {
      const { name, isList, read } = parts[i] as (typeof parts)[number];
      const text = texts[first + i] as string | null;
      row[name] = text === null ? (isList ? [] : null) : read(text);
    }
    for (const { name, build } of relations) row[name] = build(texts);
    return row;
  };
}
