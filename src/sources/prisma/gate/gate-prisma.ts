// Makes a Prisma client extension that says who writes and lets before-hooks refuse: for single operations, whatever they nest, and for
// transactions that are lists. Interactive ones can't be rehearsed unless they say so ($gatedTransaction).
import { type AttemptWrites, isForHooks, type Json, type Webhooks } from '../../../webhooks/index.js';
import { postgresCodeOf } from '../../faults.js';
import { type GeneratedModels, readModels } from '../datamodel.js';
import type { Known } from '../match-where.js';
import type { PrismaNamespace, Row } from '../prisma-types.js';
import { type GiveValues, giveNothing, giveSeen } from './give-values.js';
import {
  type GateClient,
  type GateOperation,
  join,
  type PrismaPromise,
  type PrismaTransaction,
  STEPS,
  stepOf,
  transactionOf,
} from './prisma-internals.js';
import { isWrite, writtenTypes } from './written-types.js';

export interface Writer {
  /** Whose before-hooks are asked. */
  tenant: string;
  /** Who writes, as the events shall say it, e.g. `{ userId }`. */
  actor?: Json;
  /** W3C trace parent of the request. */
  traceparent?: string | null;
}

export interface GateOptions<Context> {
  webhooks: Pick<Webhooks, 'passGateForAll' | 'poke'>;
  /** What `generator hookgraph` wrote. */
  models: GeneratedModels;
  /** The namespace that the generated client exports. */
  Prisma: PrismaNamespace;
  /** Null: nobody of whom there are hooks; what is written then is neither gated nor announced. */
  writer(context: Context): Writer | null;
}

type InTransaction<Client> = Omit<Client, '$connect' | '$disconnect' | '$on' | '$use' | '$extends' | '$transaction' | '$gatedTransaction'>;

interface TransactionLimits {
  maxWait?: number;
  timeout?: number;
  isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable';
}

/** For `$extends`. The last extension of a client, so that what others make of the arguments is what the hooks are shown. */
// biome-ignore lint/suspicious/noExplicitAny: each adopter's client has a type of its own
export type GateExtension = (client: any) => {
  $extends: {
    extArgs: {
      result: Record<never, never>;
      model: Record<never, never>;
      query: Record<never, never>;
      client: {
        /** An interactive transaction that passes the gate: `work` may be called three times, so it may do nothing but read and write here. */
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
  /** For `Host.gatedTypes`. */
  gatedTypes: ReadonlySet<string>;
}

const LIMITS = { maxWait: 5_000, timeout: 15_000 };

/** "cannot insert a non-DEFAULT value": the database lets nobody else make this key. */
const GENERATED_ALWAYS = '428C9';

const SET_CAUSE = `SELECT set_config('hookgraph.context', $1, true)`;
const ANNOUNCE_TYPES = 'SELECT hookgraph.announce($1, $2, t) FROM jsonb_array_elements_text($3::jsonb) t';

export function gatePrisma<Context>({ webhooks, models, Prisma, writer }: GateOptions<Context>): PrismaGate<Context> {
  const known: Known = { ...readModels(models), Prisma };
  const gate = (context: Context) => {
    const who = writer(context);
    return ((client: GateClient) => gateClient(client, { known, webhooks, writer: who })) as unknown as GateExtension;
  };
  return Object.assign(gate, { gatedTypes: new Set(known.models.map(({ name }) => name)) });
}

interface Gating {
  known: Known;
  webhooks: GateOptions<never>['webhooks'];
  writer: Writer | null;
}

/** Does the write in an open transaction. */
type Work = (transaction: PrismaTransaction, give: GiveValues, tx: GateClient) => PromiseLike<unknown>;

function gateClient(client: GateClient, { known, webhooks, writer }: Gating): GateClient {
  if (!writer)
    return client.$extends({
      client: {
        $gatedTransaction(this: GateClient, work: unknown, options?: object) {
          return this.$transaction(work, options);
        },
      },
    });
  const { tenant, actor = null, traceparent = null } = writer;
  const cause = JSON.stringify({ actor, traceparent });
  const everyType = known.models.map(({ name }) => name);
  /** Interactive transactions whose cause is told, with what their new rows are to have. */
  const announced = new WeakMap<object, GiveValues>();

  const announce = (typenames: string[]) => client.$executeRawUnsafe(ANNOUNCE_TYPES, cause, tenant, JSON.stringify(typenames));

  async function pass(self: GateClient, typenames: string[], work: Work, options?: object): Promise<unknown> {
    let givesValues = true;
    const attempt: AttemptWrites<unknown> = async (check, seen) => {
      const go = (give: GiveValues) =>
        Reflect.apply(client.$transaction, self, [
          async (tx: GateClient) => {
            const transaction = (await transactionOf(tx)) as PrismaTransaction;
            announced.set(transaction, give);
            await join(client.$executeRawUnsafe(SET_CAUSE, cause), transaction);
            const result = await work(transaction, give, tx);
            await check(async (sql, values) => join(client.$queryRawUnsafe(sql, ...values), transaction));
            return result;
          },
          { ...LIMITS, ...options },
        ]);
      if (!givesValues || seen.length === 0) return go(giveNothing);
      try {
        return await go(giveSeen(known, seen));
      } catch (error) {
        if (postgresCodeOf(error) !== GENERATED_ALWAYS) throw error;
        givesValues = false;
        return go(giveNothing);
      }
    };
    const result = await webhooks.passGateForAll({ tenant, typenames }, attempt);
    webhooks.poke();
    return result;
  }

  /** Null: nothing is written, because hooks are to be asked first. */
  async function writeAtOnce(
    self: GateClient,
    announcement: string[],
    writes: PrismaPromise[],
    options?: object,
  ): Promise<unknown[] | null> {
    try {
      const [, ...results] = (await Reflect.apply(client.$transaction, self, [[announce(announcement), ...writes], options])) as unknown[];
      webhooks.poke();
      return results;
    } catch (error) {
      if (isForHooks({ code: postgresCodeOf(error) })) return null;
      throw error;
    }
  }

  async function writeOne({ model, operation, args, query }: Required<GateOperation>): Promise<unknown> {
    const typenames = writtenTypes(known, model, operation, args as Row);
    const written = await writeAtOnce(client, typenames, [query(args)]);
    if (written) return written[0];
    return pass(client, typenames, (transaction, give) => join(query(give(model, operation, args as Row)), transaction));
  }

  async function writeInTransaction({ model, operation, args, query }: Required<GateOperation>, transaction: PrismaTransaction) {
    if (!announced.has(transaction)) {
      announced.set(transaction, giveNothing);
      await join(client.$executeRawUnsafe(SET_CAUSE, cause), transaction);
    }
    return query((announced.get(transaction) as GiveValues)(model, operation, args as Row));
  }

  async function writeList(self: GateClient, list: PrismaPromise[], options?: object): Promise<unknown> {
    if (await transactionOf(self)) return Reflect.apply(client.$transaction, self, [list, options]);
    const written = await writeAtOnce(self, everyType, list, options);
    if (written) return written;
    const stepByStep: Work = async (transaction, give) => {
      const complete = (model: string | undefined, operation: string, args: unknown) =>
        model && isWrite(operation) ? give(model, operation, args as Row) : args;
      const results: unknown[] = [];
      for (const [index, step] of list.entries()) results.push(await join(step, stepOf({ transaction, complete }, index)));
      return results;
    };
    return pass(self, everyType, stepByStep, options);
  }

  return client.$extends({
    query: {
      $allOperations(called: GateOperation) {
        const { model, operation, args, query } = called;
        const { transaction } = called.__internalParams;
        const steps = transaction?.[STEPS];
        if (steps) return join(query(steps.complete(model, operation, args)), steps.transaction);
        if (model === undefined || !isWrite(operation) || transaction?.kind === 'batch') return query(args);
        const write = called as Required<GateOperation>;
        return transaction ? writeInTransaction(write, transaction) : writeOne(write);
      },
    },
    client: {
      $transaction(this: GateClient, work: unknown, options?: object) {
        if (Array.isArray(work)) return writeList(this, work, options);
        return (Reflect.apply(client.$transaction, this, [work, options]) as Promise<unknown>).finally(() => webhooks.poke());
      },
      $gatedTransaction(this: GateClient, work: (tx: GateClient) => Promise<unknown>, options?: object) {
        return pass(this, everyType, (_transaction, _give, tx) => work(tx), options);
      },
    },
  });
}
