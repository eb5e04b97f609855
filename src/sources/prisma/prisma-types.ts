// Declares the parts of a generated Prisma client that this folder uses, because each adopter generates its own client.

export type Row = Record<string, unknown>;

/** The namespace `Prisma` that every generated client exports. */
export interface PrismaNamespace {
  Decimal: new (text: string) => unknown;
  /** The value that stands for SQL NULL in a Json column. */
  DbNull: unknown;
}

/** The argument that Prisma passes to a query extension. */
export interface Operation {
  operation: string;
  model?: string;
  args: unknown;
  query: (args: unknown) => Promise<unknown>;
}

/** The methods that every generated client has. */
export interface AnyClient {
  $disconnect(): Promise<void>;
  $extends(extension: never): unknown;
}

/**
 * Returns the code of a PrismaClientKnownRequestError. Checks the class's name, because each generated client has its
 * own class.
 */
export function knownCodeOf(error: unknown): string | undefined {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === 'PrismaClientKnownRequestError' && typeof code === 'string' ? code : undefined;
}
