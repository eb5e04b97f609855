// Finds a model's methods on a Prisma client, with types that fit any model.
import type { Row } from './prisma-types.js';

/** The methods of a Prisma model, such as `prisma.user`, that are called by code which works with any model. */
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

/** The property of a client that holds a model's methods, e.g. `scenarioSession`. */
export const delegateName = (modelName: string): string => modelName.charAt(0).toLowerCase() + modelName.slice(1);

export function delegateOf(client: object, modelName: string): Delegate {
  return (client as Record<string, Delegate>)[delegateName(modelName)] as Delegate;
}
