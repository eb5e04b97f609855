// Runs a user's writes in transactions that record the user as their cause. When before-hooks may apply, first rehearses
// the writes (runs them and rolls them back) and calls the hooks.
import { activeTraceparent } from '../../../runtime/traceparent.js';
import { type AttemptWrites, isForHooks, type Json, type Webhooks } from '../../../webhooks/index.js';
import { postgresCodeOf } from '../../faults.js';
import type { Known } from '../match-where.js';
import { type GiveValues, giveNothing, giveSeen } from './give-values.js';
import { type GateClient, join, type PrismaPromise, type PrismaTransaction, transactionOf } from './prisma-internals.js';

export interface Writer {
  /** The tenant whose before-hooks apply. */
  tenant: string;
  /** The writer as recorded in the events, e.g. `{ userId }`. */
  actor?: Json;
  /** The W3C traceparent of the request. Default: the traceparent of OpenTelemetry's active span. */
  traceparent?: string | null;
}

export interface Passing {
  /**
   * Runs the writes in one round trip. Returns `null` without writing when before-hooks must be looked up or called first.
   * `self`: the extended client.
   */
  writeAtOnce(self: GateClient, typenames: string[], writes: PrismaPromise[], options?: object): Promise<unknown[] | null>;
  /**
   * Runs `work` in a transaction. If before-hooks apply, first runs it in a transaction that is rolled back, and calls the
   * hooks with the rows that it wrote. @throws WriteRefused when a hook refuses the write
   */
  pass(self: GateClient, typenames: string[], work: Work, options?: object): Promise<unknown>;
  /**
   * Sets the transaction's `hookgraph.context`, from which events get their cause (the writer), unless it is set already.
   * Returns the function that copies the keys and defaults of rehearsed rows into the transaction's writes.
   */
  enter(transaction: PrismaTransaction): Promise<GiveValues>;
}

/** Writes in an open transaction. `give` copies the keys and defaults of rehearsed rows into the arguments of new rows. */
export type Work = (transaction: PrismaTransaction, give: GiveValues, tx: GateClient) => PromiseLike<unknown>;

const LIMITS = { maxWait: 5_000, timeout: 15_000 };

/** SQLSTATE of "cannot insert a non-DEFAULT value": the key is GENERATED ALWAYS. */
const GENERATED_ALWAYS = '428C9';

const SET_CAUSE = `SELECT set_config('hookgraph.context', $1, true)`;
const ANNOUNCE_TYPES = 'SELECT hookgraph.announce($1, $2, t) FROM jsonb_array_elements_text($3::jsonb) t';

/**
 * Whether a statement failed because the application's database role may not use Hookgraph's schema. Then nothing was
 * written, and the engine looks for before-hooks on its own connections.
 */
const isForbidden = (error: unknown, schema: string): boolean =>
  ['42501', '3F000', '42883'].includes(postgresCodeOf(error) ?? '') && (error as Error).message.includes(schema);

export function createPassing(
  client: GateClient,
  known: Known,
  webhooks: Pick<Webhooks, 'passGateForAll' | 'poke' | 'localSql'>,
  { tenant, actor = null, traceparent = activeTraceparent() }: Writer,
): Passing {
  const cause = JSON.stringify({ actor, traceparent });
  const ownSchema = webhooks.localSql('hookgraph.x').replace(/^"?(.*?)"?\.x$/, '$1');
  const enter = createEntering(client, cause);
  const begin = (self: GateClient, work: unknown, options?: object) => Reflect.apply(client.$transaction, self, [work, options]);

  return {
    enter,
    async writeAtOnce(self, typenames, writes, options) {
      const announcement = client.$executeRawUnsafe(webhooks.localSql(ANNOUNCE_TYPES), cause, tenant, JSON.stringify(typenames));
      try {
        const [, ...results] = (await begin(self, [announcement, ...writes], options)) as unknown[];
        webhooks.poke();
        return results;
      } catch (error) {
        if (isForHooks({ code: postgresCodeOf(error) }) || isForbidden(error, ownSchema)) return null;
        throw error;
      }
    },
    async pass(self, typenames, work, options) {
      let givesValues = true;
      const attempt: AttemptWrites<unknown> = async (check, seen) => {
        const write = (give: GiveValues) =>
          begin(
            self,
            async (tx: GateClient) => {
              const transaction = (await transactionOf(tx)) as PrismaTransaction;
              await enter(transaction, give);
              const result = await work(transaction, give, tx);
              await check(async (sql, values) => join(client.$queryRawUnsafe(sql, ...values), transaction));
              return result;
            },
            { ...LIMITS, ...options },
          );
        if (!givesValues || seen.length === 0) return write(giveNothing);
        try {
          return await write(giveSeen(known, seen));
        } catch (error) {
          if (postgresCodeOf(error) !== GENERATED_ALWAYS) throw error;
          givesValues = false;
          return write(giveNothing);
        }
      };
      const result = await webhooks.passGateForAll({ tenant, typenames }, attempt);
      webhooks.poke();
      return result;
    },
  };
}

/**
 * Returns a function that sets `hookgraph.context` to `cause` (the writer as JSON), once per transaction. Hookgraph's
 * triggers copy this setting into the events. The function returns `give` of the transaction's first call.
 */
function createEntering(client: GateClient, cause: string) {
  /** Maps each transaction whose `hookgraph.context` is set to its function `give`. */
  const entered = new WeakMap<object, GiveValues>();
  return async (transaction: PrismaTransaction, give: GiveValues = giveNothing): Promise<GiveValues> => {
    const given = entered.get(transaction);
    if (given) return given;
    entered.set(transaction, give);
    await join(client.$executeRawUnsafe(SET_CAUSE, cause), transaction);
    return give;
  };
}
