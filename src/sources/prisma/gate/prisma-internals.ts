// Declares the undocumented parts of Prisma's client that gate-prisma.ts uses to put operations into transactions. They
// are the same in Prisma 6 and 7, and tested with both versions.

/** A lazy promise: Prisma sends its operation only when the promise is awaited or joins a transaction. */
export interface PrismaPromise<T = unknown> extends PromiseLike<T> {
  requestTransaction?(transaction: object): PromiseLike<T>;
}

/** Prisma's object for an open transaction; a PrismaPromise receives it to run within that transaction. */
export interface PrismaTransaction {
  kind: 'itx' | 'batch';
  /** Present when the gate runs each operation of a `$transaction` list by itself, in an interactive transaction. */
  [STEPS]?: Steps;
}

export const STEPS = Symbol('hookgraph steps');

export interface Steps {
  transaction: PrismaTransaction;
  complete(model: string | undefined, operation: string, args: unknown): unknown;
}

export interface GateClient {
  $executeRawUnsafe(sql: string, ...values: unknown[]): PrismaPromise<number>;
  $queryRawUnsafe(sql: string, ...values: unknown[]): PrismaPromise<unknown[]>;
  $transaction(work: unknown, options?: object): Promise<unknown>;
  $extends(extension: object): GateClient;
  _createPrismaPromise<T>(make: (transaction?: PrismaTransaction) => Promise<T>): PrismaPromise<T>;
}

export interface GateOperation {
  model?: string;
  operation: string;
  args: unknown;
  query(args: unknown): PrismaPromise;
  __internalParams: { transaction?: PrismaTransaction };
}

/** The transaction that a client works in; `undefined` outside of a transaction. */
export async function transactionOf(client: GateClient): Promise<PrismaTransaction | undefined> {
  if (typeof client._createPrismaPromise !== 'function')
    throw new Error('This version of Prisma is not supported: hookgraph/prisma works with Prisma 6 and 7.');
  return client._createPrismaPromise(async (transaction) => transaction);
}

export function join<T>(promise: PrismaPromise<T>, transaction: object): PromiseLike<T> {
  if (!promise.requestTransaction)
    throw new Error('A transaction accepts only promises of Prisma: pass the operations without awaiting them.');
  return promise.requestTransaction(transaction);
}

/**
 * The lock of a batch, which Prisma awaits before it sends the batch. The gate runs the operations of its own client itself,
 * so only an operation of another client awaits the lock. The lock rejects it, because it would run outside of the
 * transaction.
 */
const REJECTING_LOCK = {
  // biome-ignore lint/suspicious/noThenProperty: Prisma awaits it
  then(_resolve?: unknown, reject?: (error: Error) => void) {
    reject?.(new Error('A transaction of a gated client accepts only operations of the same client.'));
  },
};

let batches = 0;

/** Creates the transaction object for one operation of a list whose operations run one by one. */
export const stepOf = (steps: Steps, index: number): object => ({
  kind: 'batch',
  id: `hookgraph-${++batches}`,
  index,
  lock: REJECTING_LOCK,
  [STEPS]: steps,
});
