// A write in, its committed result out: the one way in which our mutations change the domain, so that every event knows its cause.

import type { Context } from './context.js';
import type { Client } from './delegate.js';

/** Waiting for a connection, and the whole of a write. */
const LIMITS = { maxWait: 5_000, timeout: 15_000 };

export async function announcedWrite<T>(ctx: Context, write: (tx: Client) => Promise<T>): Promise<T> {
  const cause = JSON.stringify({ actor: ctx.viewer && { userId: ctx.viewer.userId }, traceparent: ctx.traceparent });
  const result = await ctx.prisma.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT set_config('hookgraph.context', ${cause}, true)`;
    return write(tx);
  }, LIMITS);
  ctx.webhooks.poke();
  return result;
}
