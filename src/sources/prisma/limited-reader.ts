// A read-only client and pool, and an execution's visit in -> the same, out of which it reads in turn, and not for ever.
import { GraphQLError } from 'graphql';
import type { Pool } from 'pg';
import { Prisma } from '../../generated/nodes/client.js';
import { createStopwatch, type Visit } from '../../runtime/fair-share.js';
import type { Operation } from './overlay.js';

export interface Fence {
  visit: Visit;
  /** What the statements of one execution may take in all. */
  timeoutMs: number;
}

export type Reading = <T>(work: () => Promise<T>, needs?: { connections?: number; key?: string | null }) => Promise<T>;

/** Statements of one execution; what takes too long is this query's mistake, told as such, and the rest of it isn't tried. */
export function startReading({ visit, timeoutMs }: Fence): Reading {
  // Of the database alone: how busy this process is, is nobody's mistake.
  const reads = createStopwatch();
  let tooLong: GraphQLError | null = null;
  const check = () => {
    if (reads.ms() > timeoutMs) tooLong ??= new GraphQLError(`The query took longer than ${timeoutMs} ms, which is the limit`);
    if (tooLong) throw tooLong;
  };
  return async (work, needs) => {
    try {
      return await visit.run(() => {
        check();
        return reads.during(work());
      }, needs);
    } catch (error) {
      if (isCancelled(error)) tooLong ??= new GraphQLError(`The database gave up on the query after ${timeoutMs} ms, which is the limit`);
      throw tooLong ?? error;
    }
  };
}

/** For `$extends`: each operation takes as many connections as it reads relations at once; of the same shape, Prisma makes one statement. */
export function readInTurn(reading: Reading) {
  return ({ operation, model, args, query }: Operation) => {
    const shape = shapeOf(args);
    const key = operation.startsWith('findUnique') ? `${model}.${JSON.stringify(shape, textOfBigInt)}` : null;
    return reading(() => query(args), { connections: Math.max(1, relationsIn(shape)), key });
  };
}

/** The engine's own reads. */
export function fencedPool(pool: Pool, reading: Reading): Pool {
  const query = (...args: unknown[]) => reading(() => (pool.query as (...args: unknown[]) => Promise<unknown>)(...args));
  return { query } as unknown as Pool;
}

type Shape = Record<string, unknown>;

function shapeOf(args: unknown): Shape {
  const { select, include } = (args ?? {}) as { select?: Shape; include?: Shape };
  return select ?? include ?? {};
}

function relationsIn(shape: Shape): number {
  let count = 0;
  for (const name in shape) {
    const nested = shape[name];
    if (typeof nested === 'object' && nested !== null) count += 1 + relationsIn(shapeOf(nested));
  }
  return count;
}

const textOfBigInt = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);

const QUERY_CANCELLED = '57014';

function isCancelled(error: unknown): boolean {
  if ((error as { code?: unknown } | null)?.code === QUERY_CANCELLED) return true;
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  const { cause } = (error.meta?.driverAdapterError ?? {}) as { cause?: { originalCode?: string } };
  return cause?.originalCode === QUERY_CANCELLED;
}
