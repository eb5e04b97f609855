// Writes new rows with the keys and defaults of the rehearsal (the same write, rolled back), so that they are the rows
// that the before-hooks have allowed.
import type { Snapshot } from '../../../webhooks/index.js';
import { columnFields, type Field, type Model } from '../datamodel.js';
import type { Known } from '../match-where.js';
import type { Row } from '../prisma-types.js';
import { rowOfSnapshot } from '../snapshot-row.js';
import { nestedWrites } from './written-types.js';

/**
 * Copies keys and defaults of rehearsed rows into the arguments of one Prisma operation. Each rehearsed row is used once,
 * across all operations of the transaction.
 */
export type GiveValues = (typename: string, operation: string, args: Row) => Row;

/** A new row in the arguments. `maybe`: whether it is created only if it doesn't exist, as in an upsert. */
interface NewRow {
  model: Model;
  data: Row;
  maybe: boolean;
}

export const giveNothing: GiveValues = (_typename, _operation, args) => args;

/**
 * Returns a function that copies the keys and defaults of rehearsed rows into arguments. `seen` holds the rehearsed
 * rows in the order in which they were written: the first row of a type belongs to the first new row of that type, and
 * so on.
 */
export function giveSeen(known: Known, seen: Snapshot[]): GiveValues {
  const left = groupByType(seen);
  return (typename, operation, args) => {
    const copy = copyOf(args) as Row;
    const newRows: NewRow[] = [];
    const model = known.modelOf(typename);
    if (operation.startsWith('create')) for (const data of [copy.data].flat()) addNewRows(known, model, data as Row, false, newRows);
    else {
      for (const data of [copy.data, copy.update].flat()) addNestedRows(known, model, data, newRows);
      if (operation === 'upsert') addNewRows(known, model, copy.create as Row, true, newRows);
    }
    for (const [name, rows] of left) {
      const own = newRows.filter((newRow) => newRow.model.name === name);
      const certain = own.filter(({ maybe }) => !maybe);
      // If too few rehearsed rows remain for all new rows of the type, fills only those that are certainly created: the
      // row of an upsert may have existed in the rehearsal.
      const filled = own.length <= rows.length ? own : certain.length <= rows.length ? certain : [];
      for (const newRow of filled) fill(known, newRow, rows.shift() as Snapshot);
    }
    return copy;
  };
}

function groupByType(seen: Snapshot[]): Map<string, Snapshot[]> {
  const groups = new Map<string, Snapshot[]>();
  for (const snapshot of seen) groups.set(snapshot.typename, [...(groups.get(snapshot.typename) ?? []), snapshot]);
  return groups;
}

/**
 * Adds the row and the new rows nested in it to `newRows`, in the order in which Prisma writes them: rows that this row
 * points to, the row itself, then rows that point to it.
 */
function addNewRows(known: Known, model: Model, data: Row | undefined, maybe: boolean, newRows: NewRow[]): void {
  if (typeof data !== 'object' || data === null) return;
  addNestedRows(known, model, data, newRows, true);
  newRows.push({ model, data, maybe });
  addNestedRows(known, model, data, newRows, false);
}

/**
 * Adds the new rows of nested writes to `newRows`. `holdsKey`: `true` for relations whose foreign key is on this model,
 * `false` for the other relations; absent: for all relations.
 */
function addNestedRows(known: Known, model: Model, data: unknown, newRows: NewRow[], holdsKey?: boolean): void {
  for (const { relation, writes } of nestedWrites(model, data)) {
    if (holdsKey !== undefined && holdsKey !== Boolean(relation.relationFromFields?.length)) continue;
    const target = known.modelOf(relation.type);
    for (const inner of [writes.create].flat()) addNewRows(known, target, inner as Row, false, newRows);
    for (const inner of [(writes.createMany as Row | undefined)?.data].flat()) addNewRows(known, target, inner as Row, false, newRows);
    for (const inner of [writes.connectOrCreate, writes.upsert].flat() as (Row | undefined)[]) {
      addNewRows(known, target, inner?.create as Row | undefined, true, newRows);
      addNestedRows(known, target, inner?.update, newRows);
    }
    for (const inner of [writes.update].flat() as (Row | undefined)[]) addNestedRows(known, target, inner?.data ?? inner, newRows);
  }
}

function fill({ Prisma }: Known, { model, data }: NewRow, seen: Snapshot): void {
  const row = rowOfSnapshot(model, seen, Prisma);
  const foreign = new Set(model.fields.flatMap(({ relationFromFields }) => relationFromFields ?? []));
  const pointing = nestedWrites(model, data).filter(({ relation }) => relation.relationFromFields?.length);
  const asColumns = pointing.map(({ relation, writes }) => columnsOf(relation, writes));
  // Prisma doesn't accept a value for an autoincrement field together with the nested object of a relation.
  const acceptsNumbers = !asColumns.includes(null);
  const given = columnFields(model).filter(
    (field) =>
      data[field.name] === undefined &&
      (field.hasDefaultValue || field.isMadeByPrisma) &&
      !foreign.has(field.name) &&
      field.column in seen.columns &&
      row[field.name] !== null &&
      (acceptsNumbers || !isCounted(field)),
  );
  if (given.some(isCounted))
    pointing.forEach(({ relation }, index) => {
      delete data[relation.name];
      Object.assign(data, asColumns[index]);
    });
  for (const { name } of given) data[name] = row[name];
}

const isCounted = ({ type, isId, hasDefaultValue }: Field): boolean =>
  hasDefaultValue && (isId || type === 'BigInt') && ['Int', 'BigInt'].includes(type);

/**
 * Converts `{ connect: { id: 1 } }` to the foreign key's columns; `null` when the relation's writes are anything else
 * than a `connect` by the referenced fields.
 */
function columnsOf({ relationFromFields = [], relationToFields = [] }: Field, { connect, ...others }: Row): Row | null {
  if (Object.values(others).some((other) => other !== undefined) || typeof connect !== 'object' || connect === null) return null;
  const named =
    Object.values(connect).length === 1 && isPlain(Object.values(connect)[0]) ? (Object.values(connect)[0] as Row) : (connect as Row);
  if (!relationToFields.every((name) => named[name] !== undefined) || Object.keys(named).length !== relationToFields.length) return null;
  return Object.fromEntries(relationFromFields.map((name, index) => [name, named[relationToFields[index] as string]]));
}

function isPlain(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/** Copies objects and arrays; Dates, Decimals and bytes are kept as they are. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)])) : value;
}
