// A write in, its committed result out: the one way in which our mutations change the domain, so that every event knows its cause
// and every before-hook is asked.

import type { Context } from '../../sample/graph/context.js';
import { UserMistake } from '../../sample/graph/user-error.js';
import { type AttemptWrite, announceValues, isForHooks, type PlannedWrite, WriteRefused } from '../../webhooks/index.js';
import type { Client } from './delegate.js';
import { isPrismasToTell } from './quick-write.js';

/** Waiting for a connection, and the whole of a write. */
const LIMITS = { maxWait: 5_000, timeout: 15_000 };

export interface AnnouncedWrite<T> extends Omit<PlannedWrite, 'tenant'> {
  /** Where the input is in the arguments. */
  path: string[];
  /** The same as one statement, which takes `announceValues`; null: it isn't that simple. */
  plan(): Promise<((announcement: string[]) => Promise<T>) | null>;
  /** May be called more than once, each time in a transaction of its own; `seen`: see AttemptWrite. */
  write(tx: Client, seen: Parameters<AttemptWrite<T>>[1]): Promise<T>;
  /** The key of the row that it wrote. */
  keyOf(result: T): string;
}

/** @throws UserMistake where a before-hook refuses it */
export async function announcedWrite<T>(ctx: Context, { path, plan, write, keyOf, typename, operation }: AnnouncedWrite<T>): Promise<T> {
  const cause = JSON.stringify({ actor: ctx.viewer && { userId: ctx.viewer.userId }, traceparent: ctx.traceparent });
  const planned = { tenant: ctx.viewer?.organizationId ?? '', typename, operation };
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
    ctx.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT set_config('hookgraph.context', ${cause}, true)`;
      const result = await write(tx, seen);
      await check((sql, values) => tx.$queryRawUnsafe<unknown[]>(sql, ...values), keyOf(result));
      return result;
    }, LIMITS);
  try {
    const { result } = (await writeAtOnce()) ?? { result: await ctx.webhooks.passGate(planned, attempt) };
    ctx.webhooks.poke();
    return result;
  } catch (error) {
    if (error instanceof WriteRefused) throw new UserMistake(error.refusals.map((refusal) => ({ ...refusal, field: 'base', path })));
    throw error;
  }
}
