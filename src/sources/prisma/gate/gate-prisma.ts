// Creates a Prisma client extension that records the writer of each change, and lets before-hooks (subscriptions whose
// receivers are asked before a write) refuse it.
//
// Before-hooks are called for single operations with their nested writes, for `$transaction` with a list, and for
// `$gatedTransaction`. `$transaction` with a function only records the writer: before-hooks need a rehearsal (the same
// write, rolled back), which would call the function more than once.
import type { Webhooks } from '../../../webhooks/index.js';
import { type GeneratedModels, readModels } from '../datamodel.js';
import type { Known } from '../match-where.js';
import type { PrismaNamespace, Row } from '../prisma-types.js';
import { createPassing, type Passing, type Work, type Writer } from './pass-writes.js';
import { type GateClient, type GateOperation, join, type PrismaPromise, STEPS, stepOf, transactionOf } from './prisma-internals.js';
import { isWrite, writtenTypes } from './written-types.js';

export interface GateOptions<Context> {
  webhooks: Pick<Webhooks, 'passGateForAll' | 'poke' | 'localSql'>;
  /** The models that `generator hookgraph` wrote. */
  models: GeneratedModels;
  /** The namespace `Prisma` that the generated client exports. */
  Prisma: PrismaNamespace;
  /**
   * Returns who writes with this context: the user and the tenant whose before-hooks apply. With `null`, the writes call
   * no before-hooks and record no writer.
   */
  writer(context: Context): Writer | null;
}

export interface GatedTransaction<Client> {
  /**
   * Runs an interactive transaction whose writes before-hooks can refuse. `work` may be called up to four times, so it
   * must do nothing but read and write in the transaction.
   */
  $gatedTransaction<T>(work: (tx: InTransaction<Client>) => Promise<T>, options?: TransactionLimits): Promise<T>;
}

type InTransaction<Client> = Omit<Client, '$connect' | '$disconnect' | '$on' | '$use' | '$extends' | '$transaction' | '$gatedTransaction'>;

interface TransactionLimits {
  maxWait?: number;
  timeout?: number;
  isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable';
}

/**
 * An extension for Prisma's `$extends`. It must be the last extension of a client, so that hooks see the arguments as
 * the other extensions have changed them.
 */
// biome-ignore lint/suspicious/noExplicitAny: each adopter's client has a type of its own
export type GateExtension = (client: any) => {
  $extends: {
    extArgs: {
      result: Record<never, never>;
      model: Record<never, never>;
      query: Record<never, never>;
      client: {
        /**
         * Runs an interactive transaction whose writes before-hooks can refuse. `work` may be called up to four times,
         * so it must do nothing but read and write in the transaction.
         */
        $gatedTransaction: () => <Client, T>(
          this: Client,
          work: (tx: InTransaction<Client>) => Promise<T>,
          options?: TransactionLimits,
        ) => Promise<T>;
      };
    };
  };
};

export interface PrismaGate<Context> {
  (context: Context): GateExtension;
  /**
   * Like `prisma.$extends(gate(context))`, but typed as the given client, because Prisma's type of an extended client
   * isn't assignable to `PrismaClient`. Call `$on` on the original client: Prisma removes it from extended clients.
   */
  client<Client extends { $extends: unknown }>(prisma: Client, context: Context): Client & GatedTransaction<Client>;
  /** The types whose writes a before-hook can refuse. Pass this set to `createHookgraph` as the option `gatedTypes`. */
  gatedTypes: ReadonlySet<string>;
}

export function gatePrisma<Context>({ webhooks, models, Prisma, writer }: GateOptions<Context>): PrismaGate<Context> {
  const known: Known = { ...readModels(models), Prisma };
  const gate = (context: Context) => {
    const who = writer(context);
    return ((client: GateClient) => (who ? gateClient(client, known, webhooks, who) : ungated(client))) as unknown as GateExtension;
  };
  return Object.assign(gate, {
    client: <Client extends { $extends: unknown }>(prisma: Client, context: Context) =>
      (prisma as unknown as GateClient).$extends(gate(context)) as unknown as Client & GatedTransaction<Client>,
    gatedTypes: new Set(known.models.map(({ name }) => name)),
  });
}

/** Extends a client for a context without a writer: adds `$gatedTransaction`, which then calls no before-hooks. */
function ungated(client: GateClient): GateClient {
  return client.$extends({
    client: {
      $gatedTransaction(this: GateClient, work: unknown, options?: object) {
        return this.$transaction(work, options);
      },
    },
  });
}

function gateClient(client: GateClient, known: Known, webhooks: GateOptions<never>['webhooks'], writer: Writer): GateClient {
  const passing = createPassing(client, known, webhooks, writer);
  const everyType = known.models.map(({ name }) => name);

  async function writeOne({ model, operation, args, query }: Required<GateOperation>): Promise<unknown> {
    const typenames = writtenTypes(known, model, operation, args as Row);
    const written = await passing.writeAtOnce(client, typenames, [query(args)]);
    if (written) return written[0];
    return passing.pass(client, typenames, (transaction, give) => join(query(give(model, operation, args as Row)), transaction));
  }

  return client.$extends({
    query: {
      $allOperations(called: GateOperation) {
        const { model, operation, args, query } = called;
        const { transaction } = called.__internalParams;
        const steps = transaction?.[STEPS];
        if (steps) return join(query(steps.complete(model, operation, args)), steps.transaction);
        if (model === undefined || !isWrite(operation) || transaction?.kind === 'batch') return query(args);
        if (!transaction) return writeOne(called as Required<GateOperation>);
        return passing.enter(transaction).then((give) => query(give(model, operation, args as Row)));
      },
    },
    client: {
      $transaction(this: GateClient, work: unknown, options?: object) {
        if (Array.isArray(work)) return writeList(passing, this, { client, everyType, list: work, options });
        return (Reflect.apply(client.$transaction, this, [work, options]) as Promise<unknown>).finally(() => webhooks.poke());
      },
      $gatedTransaction(this: GateClient, work: (tx: GateClient) => Promise<unknown>, options?: object) {
        return passing.pass(this, everyType, (_transaction, _give, tx) => work(tx), options);
      },
    },
  });
}

interface List {
  client: GateClient;
  everyType: string[];
  list: PrismaPromise[];
  options?: object;
}

/**
 * Runs the list of operations of `$transaction([…])` in one transaction. Sends them in one round trip, as Prisma does. If
 * before-hooks must be called, rehearses the transaction (runs it and rolls it back) and runs the operations one by one.
 */
async function writeList(passing: Passing, self: GateClient, { client, everyType, list, options }: List): Promise<unknown> {
  if (await transactionOf(self)) return Reflect.apply(client.$transaction, self, [list, options]);
  const written = await passing.writeAtOnce(self, everyType, list, options);
  if (written) return written;
  const stepByStep: Work = async (transaction, give) => {
    const complete = (model: string | undefined, operation: string, args: unknown) =>
      model && isWrite(operation) ? give(model, operation, args as Row) : args;
    const results: unknown[] = [];
    for (const [index, step] of list.entries()) results.push(await join(step, stepOf({ transaction, complete }, index)));
    return results;
  };
  return passing.pass(self, everyType, stepByStep, options);
}
