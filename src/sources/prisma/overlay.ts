// A Prisma client and snapshots of rows in, a client out that answers from a snapshot where the row itself is gone, or not there yet.
import { Prisma, type PrismaClient } from '../../generated/nodes/client.js';
import { keyOf } from '../../sample/graph/global-id.js';
import type { Snapshot } from '../../webhooks/index.js';
import { datamodel, type Field, inverseOf, keyName, type Model } from './datamodel.js';
import { delegateName, delegateOf, type Row } from './delegate.js';
import { rowOfSnapshot } from './snapshot-row.js';

type Selection = Record<string, true | { select?: Selection; include?: Selection } | undefined | false>;
export interface FindArgs {
  where: Row;
  select?: Selection;
  include?: Selection;
}
export interface Operation {
  operation: string;
  model?: string;
  args: unknown;
  query: (args: unknown) => Promise<unknown>;
}
interface Find {
  args: FindArgs;
  query: (args: FindArgs) => Promise<Row | null>;
}

const remembered = new WeakSet<object>();

/** Whether a row came from a snapshot: what an owner was told once, they may read in the telling. */
export function isRemembered(row: object): boolean {
  return remembered.has(row);
}

/** `around` each operation. Prisma's batching survives: the query goes out first, and only a miss looks at the snapshots. */
export function withOverlay(
  prisma: PrismaClient,
  snapshots: Snapshot[],
  around?: (operation: Operation) => Promise<unknown>,
): PrismaClient {
  const models = datamodel.models.filter(({ name }) => snapshots.some(({ typename }) => typename === name));
  if (models.length === 0 && !around) return prisma;
  const memory = createMemory(() => extended, snapshots);
  const extensions = models.map((model) => {
    const findUnique = async ({ args, query }: Find) =>
      (await memory.foresee(model, args)) ?? (await query(args)) ?? (await memory.recall(model, args));
    const findUniqueOrThrow = async ({ args, query }: Find) => {
      try {
        return (await memory.foresee(model, args)) ?? (await query(args));
      } catch (error) {
        const row = isMissing(error) ? await memory.recall(model, args) : null;
        if (row) return row;
        throw error;
      }
    };
    return [delegateName(model.name), { findUnique, findUniqueOrThrow }];
  });
  const extended = prisma.$extends({
    query: { ...Object.fromEntries(extensions), ...(around && { $allOperations: around }) },
  }) as unknown as PrismaClient;
  return extended;
}

export interface Memory {
  /** Null at once where no snapshot goes before what the database has. */
  foresee(model: Model, args: FindArgs): Promise<Row | null> | null;
  recall(model: Model, args: FindArgs): Promise<Row | null> | null;
}

/** `client`: reads what a snapshot points to. */
export function createMemory(client: () => PrismaClient, snapshots: Snapshot[]): Memory {
  const coming = snapshots.filter(({ ahead }) => ahead);
  const from = (known: Snapshot[]) => (model: Model, args: FindArgs) =>
    known.some(({ typename }) => typename === model.name) ? rememberedRow(client(), model, { args, snapshots: known }) : null;
  return { foresee: from(coming), recall: from(snapshots) };
}

function isMissing(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2025';
}

async function rememberedRow(
  client: PrismaClient,
  model: Model,
  { args, snapshots }: { args: FindArgs; snapshots: Snapshot[] },
): Promise<Row | null> {
  const key = keyOf(model, model.primaryKey ? ((args.where[keyName(model)] ?? {}) as Row) : args.where);
  const snapshot = snapshots.find((candidate) => candidate.typename === model.name && candidate.key === key);
  if (!snapshot) return null;
  const full = rowOfSnapshot(model, snapshot);
  const row = args.select ? Object.fromEntries(Object.entries(full).filter(([name]) => args.select?.[name])) : { ...full };
  const chosen = Object.entries(args.select ?? args.include ?? {}).filter(([, value]) => value);
  await Promise.all(
    chosen.map(async ([name, value]) => {
      const nested = value === true ? {} : (value as Row);
      const relation = model.fields.find((field) => field.name === name && field.kind === 'object');
      if (name === '_count') row._count = await countRelated(client, model, { row: full, nested });
      else if (relation) row[name] = await findRelated(client, model, { row: full, relation, nested });
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

async function findRelated(client: PrismaClient, model: Model, { row, relation, nested }: Related): Promise<unknown> {
  const delegate = delegateOf(client, relation.type);
  if (relation.relationFromFields?.length) {
    const where = pairs(relation.relationToFields, relation.relationFromFields, row);
    if (Object.values(where).some((value) => value === null || value === undefined)) return null;
    // One field: findUnique, which Prisma batches.
    return Object.keys(where).length === 1 ? delegate.findUnique({ ...nested, where }) : delegate.findFirst({ ...nested, where });
  }
  const where = { AND: [nested.where ?? {}, whereInverse(model, relation, row)] };
  return relation.isList ? delegate.findMany({ ...nested, where }) : delegate.findFirst({ ...nested, where });
}

/** The rows on the other side that still point to the one that is gone. */
function whereInverse(model: Model, relation: Field, row: Row): Row {
  const inverse = inverseOf(model, relation);
  // By the foreign key itself: asked through the relation, a row that is gone would match nothing.
  if (inverse.relationFromFields?.length) return pairs(inverse.relationFromFields, inverse.relationToFields, row);
  const key = model.primaryKey ? model.primaryKey.fields : [keyName(model)];
  return { [inverse.name]: { some: Object.fromEntries(key.map((name) => [name, row[name]])) } };
}

function pairs(names: string[] = [], sources: string[] = [], row: Row): Row {
  return Object.fromEntries(names.map((name, index) => [name, row[sources[index] as string]]));
}

async function countRelated(client: PrismaClient, model: Model, { row, nested }: Omit<Related, 'relation'>): Promise<Row> {
  const wanted = Object.entries((nested.select ?? {}) as Row).filter(([, value]) => value);
  const counts = wanted.map(async ([name, value]) => {
    const relation = model.fields.find((field) => field.name === name) as Field;
    const where = { AND: [(value as Row).where ?? {}, whereInverse(model, relation, row)] };
    return [name, await delegateOf(client, relation.type).count({ where })] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}
