// What the gate uses of Prisma's client beyond its documented interface: the same in Prisma 6 and 7, and tested with both.

/** Lazy: nothing is sent before it is awaited, or asked to join a transaction. */
export interface PrismaPromise<T = unknown> extends PromiseLike<T> {
  requestTransaction?(transaction: object): PromiseLike<T>;
}

/** As Prisma tells its promises which transaction they belong to. */
export interface PrismaTransaction {
  kind: 'itx' | 'batch';
  /** Of a batch that the gate does step by step in a transaction of its own. */
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

/** The transaction that a client works in; undefined: none. */
export async function transactionOf(client: GateClient): Promise<PrismaTransaction | undefined> {
  if (typeof client._createPrismaPromise !== 'function')
    throw new Error('This version of Prisma keeps its transactions elsewhere: hookgraph/prisma knows Prisma 6 and 7.');
  return client._createPrismaPromise(async (transaction) => transaction);
}

export function join<T>(promise: PrismaPromise<T>, transaction: object): PromiseLike<T> {
  if (!promise.requestTransaction) throw new Error('A transaction takes promises of Prisma alone: do not await them before.');
  return promise.requestTransaction(transaction);
}

/** What a promise that isn't of the gated client would wait for: it must not be sent outside of the transaction. */
const SPOILED = {
  // biome-ignore lint/suspicious/noThenProperty: Prisma awaits it
  then(_resolve?: unknown, reject?: (error: Error) => void) {
    reject?.(new Error('A transaction of a gated client takes operations of that client alone.'));
  },
};

let batches = 0;

/** A place in a batch that is done step by step. */
export const stepOf = (steps: Steps, index: number): object => ({
  kind: 'batch',
  id: `hookgraph-${++batches}`,
  index,
  lock: SPOILED,
  [STEPS]: steps,
});
