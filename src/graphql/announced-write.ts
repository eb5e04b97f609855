// A write in, its committed result out: the one way in which our mutations change the domain, so that every event knows its cause
// and every before-hook is asked.

import { type AttemptWrite, type PlannedWrite, WriteRefused } from '../webhooks/index.js';
import type { Context } from './context.js';
import type { Client } from './delegate.js';
import { UserMistake } from './user-error.js';

/** Waiting for a connection, and the whole of a write. */
const LIMITS = { maxWait: 5_000, timeout: 15_000 };

export interface AnnouncedWrite<T> extends Omit<PlannedWrite, 'tenant'> {
  /** Where the input is in the arguments. */
  path: string[];
  /** May be called more than once, each time in a transaction of its own; `seen`: see AttemptWrite. */
  write(tx: Client, seen: Parameters<AttemptWrite<T>>[1]): Promise<T>;
  /** The key of the row that it wrote. */
  keyOf(result: T): string;
}

/** @throws UserMistake where a before-hook refuses it */
export async function announcedWrite<T>(ctx: Context, { path, write, keyOf, typename, operation }: AnnouncedWrite<T>): Promise<T> {
  const cause = JSON.stringify({ actor: ctx.viewer && { userId: ctx.viewer.userId }, traceparent: ctx.traceparent });
  const tenant = ctx.viewer?.organizationId ?? '';
  const attempt: AttemptWrite<T> = (check, seen) =>
    ctx.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT set_config('hookgraph.context', ${cause}, true)`;
      const result = await write(tx, seen);
      await check((sql, values) => tx.$queryRawUnsafe<unknown[]>(sql, ...values), keyOf(result));
      return result;
    }, LIMITS);
  try {
    const result = await ctx.webhooks.passGate({ tenant, typename, operation }, attempt);
    ctx.webhooks.poke();
    return result;
  } catch (error) {
    if (error instanceof WriteRefused) throw new UserMistake(error.refusals.map((refusal) => ({ ...refusal, field: 'base', path })));
    throw error;
  }
}
