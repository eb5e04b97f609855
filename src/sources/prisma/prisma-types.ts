// The parts of a generated Prisma client that this folder uses, as shapes: each adopter generates their own.

export type Row = Record<string, unknown>;

/** The namespace `Prisma` that every generated client exports. */
export interface PrismaNamespace {
  Decimal: new (text: string) => unknown;
  /** Stands for SQL's NULL in a column of type Json. */
  DbNull: unknown;
}

/** What Prisma tells a query extension of an operation. */
export interface Operation {
  operation: string;
  model?: string;
  args: unknown;
  query: (args: unknown) => Promise<unknown>;
}

/** Any generated client. */
export interface AnyClient {
  $disconnect(): Promise<void>;
  $extends(extension: never): unknown;
}

/** A Prisma error that says what happened by a code; by its name, since each generated client has a class of its own. */
export function knownCodeOf(error: unknown): string | undefined {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === 'PrismaClientKnownRequestError' && typeof code === 'string' ? code : undefined;
}
