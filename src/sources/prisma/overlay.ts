// Extends a Prisma client to return rows that the database no longer, or not yet, contains, from snapshots (rows as they
// were at an event).
import type { Snapshot } from '../../webhooks/index.js';
import { type Field, inverseOf, keyFields, type Model } from './datamodel.js';
import { delegateName, delegateOf } from './delegate.js';
import { isPinned, type Known, matches } from './match-where.js';
import { knownCodeOf, type Operation, type Row } from './prisma-types.js';
import { rowOfSnapshot } from './snapshot-row.js';

type Selection = Record<string, true | { select?: Selection; include?: Selection } | undefined | false>;
export interface FindArgs {
  where?: Row;
  select?: Selection;
  include?: Selection;
  omit?: Record<string, boolean | undefined>;
  skip?: number;
  take?: number;
  cursor?: object;
}
interface Find<Answer> {
  args: FindArgs;
  query: (args: FindArgs) => Promise<Answer>;
}

const remembered = new WeakSet<object>();

/**
 * Whether a row came from a snapshot. Such a row needs no further authorization check, because the subscription's owner
 * was allowed to read it when the event happened.
 */
export function isRemembered(row: object): boolean {
  return remembered.has(row);
}

/**
 * Returns the client whose reads also find rows of snapshots; `around` runs each of its operations. Snapshots are searched
 * after the query, so that Prisma can batch its queries. Only snapshots with `ahead`, of rows that a write is about to
 * produce, are searched before it.
 */
export function withOverlay<Client extends object>(
  known: Known,
  prisma: Client,
  snapshots: Snapshot[],
  around?: (operation: Operation) => Promise<unknown>,
): Client {
  const models = known.models.filter(({ name }) => snapshots.some(({ typename }) => typename === name));
  if (models.length === 0 && !around) return prisma;
  const memory = createMemory(known, () => extended, snapshots);
  const extensions = models.map((model) => [delegateName(model.name), readsOf(memory, model)]);
  const extended = (prisma as { $extends(extension: object): unknown }).$extends({
    query: { ...Object.fromEntries(extensions), ...(around && { $allOperations: around }) },
  }) as Client;
  return extended;
}

/**
 * Extends a model's read methods: a row that the arguments identify by a primary or unique key is also looked up in the snapshots (rows as
 * they were at an event).
 */
function readsOf(memory: Memory, model: Model) {
  const find = async ({ args, query }: Find<Row | null>) =>
    (await memory.foresee(model, args)) ?? (await query(args)) ?? (await memory.recall(model, args));
  const findOrThrow = async ({ args, query }: Find<Row>) => {
    try {
      return (await memory.foresee(model, args)) ?? (await query(args));
    } catch (error) {
      const row = isMissing(error) ? await memory.recall(model, args) : null;
      if (row) return row;
      throw error;
    }
  };
  const findMany = async ({ args, query }: Find<Row[]>) => memory.complete(model, args, await query(args));
  return { findUnique: find, findFirst: find, findUniqueOrThrow: findOrThrow, findFirstOrThrow: findOrThrow, findMany };
}

export interface Memory {
  /**
   * Finds the row among the snapshots with `ahead` (rows that a write is about to produce), which take precedence over the
   * database. Returns `null` instead of a promise when the model has no such snapshot.
   */
  foresee(model: Model, args: FindArgs): Promise<Row | null> | null;
  /** Like `foresee`, but searches all snapshots. */
  recall(model: Model, args: FindArgs): Promise<Row | null> | null;
  /** Adds to `rows` the rows of snapshots whose keys the arguments list, as in `{ where: { id: { in: […] } } }`. */
  complete(model: Model, args: FindArgs, rows: Row[]): Promise<Row[]>;
}

/** Creates the search in `snapshots`. `client` returns the client that reads the related rows of a snapshot's row. */
export function createMemory(known: Known, client: () => object, snapshots: Snapshot[]): Memory {
  const coming = snapshots.filter(({ ahead }) => ahead);
  const among = (list: Snapshot[], model: Model) => list.filter(({ typename }) => typename === model.name);
  const source = { known, client };
  const from = (list: Snapshot[]) => (model: Model, args: FindArgs) => {
    const own = among(list, model);
    return own.length > 0 ? rememberedRow(source, model, args, own) : null;
  };
  return {
    foresee: from(coming),
    recall: from(snapshots),
    async complete(model, args, rows) {
      const keys = keyFields(model).map(({ name }) => name);
      if (!isNamed(model, args) || !rows.every((row) => keys.every((name) => name in row))) return rows;
      const keyOf = (row: Row) => JSON.stringify(keys.map((name) => String(row[name])));
      const found = new Map(rows.map((row) => [keyOf(row), row]));
      for (const snapshot of among(snapshots, model)) {
        const key = keyOf(rowOfSnapshot(model, snapshot, known.Prisma));
        if (found.has(key) && !snapshot.ahead) continue;
        if (!found.has(key) && args.take !== undefined && found.size >= Math.abs(args.take)) continue;
        const row = await rememberedRow(source, model, args, [snapshot]);
        if (row) found.set(key, row);
      }
      return [...found.values()];
    },
  };
}

const isNamed = (model: Model, { where, skip, cursor }: FindArgs): boolean => !skip && cursor === undefined && isPinned(model, where);

const isMissing = (error: unknown): boolean => knownCodeOf(error) === 'P2025';

interface Source {
  known: Known;
  client(): object;
}

async function rememberedRow(source: Source, model: Model, args: FindArgs, snapshots: Snapshot[]): Promise<Row | null> {
  if (!isNamed(model, args)) return null;
  for (const snapshot of snapshots) {
    const row = rowOfSnapshot(model, snapshot, source.known.Prisma);
    if ((await matches({ ...source, model, row }, args.where)) !== false) return selectFrom(source, model, row, args);
  }
  return null;
}

async function selectFrom(source: Source, model: Model, full: Row, { select, include, omit }: FindArgs): Promise<Row> {
  const chosen = Object.entries(full).filter(([name]) => (select ? select[name] : !omit?.[name]));
  const row: Row = Object.fromEntries(chosen);
  const nested = Object.entries(select ?? include ?? {}).filter(([, value]) => value);
  await Promise.all(
    nested.map(async ([name, value]) => {
      const args = value === true ? {} : (value as Row);
      const relation = model.fields.find((field) => field.name === name && field.kind === 'object');
      if (name === '_count') row._count = await countRelated(source, model, { row: full, nested: args });
      else if (relation) row[name] = await findRelated(source, model, { row: full, relation, nested: args });
    }),
  );
  remembered.add(row);
  return row;
}

interface Related {
  row: Row;
  relation: Field;
  nested: Row;
}

async function findRelated({ known, client }: Source, model: Model, { row, relation, nested }: Related): Promise<unknown> {
  const delegate = delegateOf(client(), relation.type);
  if (relation.relationFromFields?.length) {
    const where = pairs(relation.relationToFields, relation.relationFromFields, row);
    if (Object.values(where).some((value) => value === null || value === undefined)) return null;
    // Uses findUnique where possible, because Prisma batches findUnique calls.
    return Object.keys(where).length === 1 && !nested.where
      ? delegate.findUnique({ ...nested, where })
      : delegate.findFirst({ ...nested, where: { AND: [nested.where ?? {}, where] } });
  }
  const where = { AND: [nested.where ?? {}, whereInverse(known, model, relation, row)] };
  return relation.isList ? delegate.findMany({ ...nested, where }) : delegate.findFirst({ ...nested, where });
}

/** Returns the `where` for rows on the other side of a relation that still point to the deleted row. */
function whereInverse(known: Known, model: Model, relation: Field, row: Row): Row {
  const inverse = inverseOf(known, model, relation);
  // Filters by the foreign key's columns, because a filter through the relation can't match a deleted row.
  if (inverse.relationFromFields?.length) return pairs(inverse.relationFromFields, inverse.relationToFields, row);
  return { [inverse.name]: { some: Object.fromEntries(keyFields(model).map(({ name }) => [name, row[name]])) } };
}

function pairs(names: string[] = [], sources: string[] = [], row: Row): Row {
  return Object.fromEntries(names.map((name, index) => [name, row[sources[index] as string]]));
}

async function countRelated({ known, client }: Source, model: Model, { row, nested }: Omit<Related, 'relation'>): Promise<Row> {
  const everyList = () =>
    Object.fromEntries(model.fields.filter(({ kind, isList }) => kind === 'object' && isList).map(({ name }) => [name, true]));
  const counted = Object.entries((nested.select ?? everyList()) as Row).filter(([, value]) => value);
  const counts = counted.map(async ([name, value]) => {
    const relation = model.fields.find((field) => field.name === name) as Field;
    const where = { AND: [(value as Row).where ?? {}, whereInverse(known, model, relation, row)] };
    return [name, await delegateOf(client(), relation.type).count({ where })] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}
