// Declares the undocumented parts of Prisma's client that the gate uses. They are the same in Prisma 6 and 7, and
// tested with both.

/** Lazy: nothing is sent until it is awaited or joins a transaction. */
export interface PrismaPromise<T = unknown> extends PromiseLike<T> {
  requestTransaction?(transaction: object): PromiseLike<T>;
}

/** The object by which Prisma tells its promises which transaction they belong to. */
export interface PrismaTransaction {
  kind: 'itx' | 'batch';
  /** Set for a batch whose operations the gate runs one by one in its own transaction. */
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
  if (!promise.requestTransaction) throw new Error('A transaction accepts only promises of Prisma: do not await the operations before.');
  return promise.requestTransaction(transaction);
}

/**
 * Rejects when a promise of another client than the gated one awaits it, so that it isn't sent outside of the
 * transaction.
 */
const SPOILED = {
  // biome-ignore lint/suspicious/noThenProperty: Prisma awaits it
  then(_resolve?: unknown, reject?: (error: Error) => void) {
    reject?.(new Error('A transaction of a gated client accepts only operations of the same client.'));
  },
};

let batches = 0;

/** The transaction object for one operation of a batch that is run one by one. */
export const stepOf = (steps: Steps, index: number): object => ({
  kind: 'batch',
  id: `hookgraph-${++batches}`,
  index,
  lock: SPOILED,
  [STEPS]: steps,
});
