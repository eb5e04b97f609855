// Writes so that the events know their cause and every before-hook is asked: by one statement where it is that simple, else by Prisma.
import { type AttemptWrite, announceValues, isForHooks, type PlannedWrite, type Webhooks } from '../../webhooks/index.js';
import { isPrismasToTell } from './quick-write.js';

/** Waiting for a connection, and the whole of a write. */
const LIMITS = { maxWait: 5_000, timeout: 15_000 };

/** A client inside of a transaction, as far as announcing needs it. */
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
  /** What its events shall have as their cause. */
  cause: string;
  /** The same as one statement, which takes `announceValues`; null: it isn't that simple. */
  plan(): Promise<((announcement: string[]) => Promise<T>) | null>;
  /** May be called more than once, each time in a transaction of its own; `seen`: see AttemptWrite. */
  write(tx: Tx, seen: Parameters<AttemptWrite<T>>[1]): Promise<T>;
  /** The key of the row that it wrote. */
  keyOf(result: T): string;
}

/** @throws WriteRefused where a before-hook refuses it, and what the write throws */
export async function announcedWrite<T, Tx extends Transaction>(
  { prisma, webhooks }: Announcing<Tx>,
  { cause, plan, write, keyOf, ...planned }: AnnouncedWrite<T, Tx>,
): Promise<T> {
  /** Null: nothing is written, and it is to be done the long way. */
  const writeAtOnce = async (): Promise<{ result: T } | null> => {
    const statement = await plan();
    if (!statement) return null;
    try {
      return { result: await statement(announceValues(planned, cause)) };
    } catch (error) {
      if (isForHooks(error) || isPrismasToTell(error)) return null;
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
