// Runs a user's write: as one statement if possible, else through Prisma. The write's events record who caused it, and
// before-hooks (subscriptions whose receivers are asked before a write) can refuse it.
import { type AttemptWrite, announceValues, isForHooks, type PlannedWrite, type Webhooks } from '../../webhooks/index.js';
import { isLeftToPrisma } from './quick-write.js';

/** `maxWait`: maximum milliseconds to wait for a connection. `timeout`: maximum milliseconds of a write. */
const LIMITS = { maxWait: 5_000, timeout: 15_000 };

/** The methods of a Prisma transaction that `announcedWrite` calls. */
interface Transaction {
  $executeRaw(query: TemplateStringsArray, ...values: unknown[]): PromiseLike<number>;
  $queryRawUnsafe<T>(query: string, ...values: unknown[]): PromiseLike<T>;
}

interface Transactional<Tx extends Transaction> {
  $transaction<T>(work: (tx: Tx) => Promise<T>, limits: typeof LIMITS): Promise<T>;
}

export interface Announcing<Tx extends Transaction> {
  prisma: Transactional<Tx>;
  webhooks: Pick<Webhooks, 'passGate' | 'poke'>;
}

export interface AnnouncedWrite<T, Tx extends Transaction> extends PlannedWrite {
  /** The JSON text that says who writes. The write's events record it as their cause. */
  cause: string;
  /**
   * Plans the write as one SQL statement. Returns the function that runs it with `announcement` as its first parameters
   * (they record the cause and look for before-hooks); `null` when only Prisma can do the write.
   */
  plan(): Promise<((announcement: string[]) => Promise<T>) | null>;
  /**
   * Writes through Prisma. May be called up to three times, each time in a new transaction. `seen`: the row that the hooks
   * allowed; `null` when no hook has seen a row.
   */
  write(tx: Tx, seen: Parameters<AttemptWrite<T>>[1]): Promise<T>;
  /** The key of the written row. */
  keyOf(result: T): string;
}

/** Writes and returns the result. @throws WriteRefused when a before-hook refuses the write, and any error of the write itself */
export async function announcedWrite<T, Tx extends Transaction>(
  { prisma, webhooks }: Announcing<Tx>,
  { cause, plan, write, keyOf, ...planned }: AnnouncedWrite<T, Tx>,
): Promise<T> {
  /** Tries the write as one statement. Returns `null` when nothing was written and Prisma must do the write. */
  const writeAtOnce = async (): Promise<{ result: T } | null> => {
    const statement = await plan();
    if (!statement) return null;
    try {
      return { result: await statement(announceValues(planned, cause)) };
    } catch (error) {
      if (isForHooks(error) || isLeftToPrisma(error)) return null;
      throw error;
    }
  };
  const attempt: AttemptWrite<T> = (check, seen) =>
    prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT set_config('hookgraph.context', ${cause}, true)`;
      const result = await write(tx, seen);
      await check(async (sql, values) => tx.$queryRawUnsafe<unknown[]>(sql, ...values), keyOf(result));
      return result;
    }, LIMITS);
  const { result } = (await writeAtOnce()) ?? { result: await webhooks.passGate(planned, attempt) };
  webhooks.poke();
  return result;
}
