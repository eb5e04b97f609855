// A model's name in, its door on a Prisma client out, with types that fit any model.
import type { PrismaClient } from '../../generated/nodes/client.js';

export type Row = Record<string, unknown>;

/** The part of a Prisma model delegate that code for any model uses. */
export interface Delegate {
  findUnique(args: object): Promise<Row | null>;
  findUniqueOrThrow(args: object): Promise<Row>;
  findFirst(args: object): Promise<Row | null>;
  findMany(args: object): Promise<Row[]>;
  count(args: object): Promise<number>;
  create(args: object): Promise<Row>;
  update(args: object): Promise<Row>;
  delete(args: object): Promise<Row>;
}

/** A client, or one inside a transaction. */
export type Client = PrismaClient | Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

/** Of the door, e.g. `scenarioSession`. */
export const delegateName = (modelName: string): string => modelName.charAt(0).toLowerCase() + modelName.slice(1);

export function delegateOf(client: Client, modelName: string): Delegate {
  return (client as unknown as Record<string, Delegate>)[delegateName(modelName)] as Delegate;
}
