// Computes `asOf` of connections: a time for which every row with an earlier `updated_at` is committed and visible.
import { defaultFieldResolver, type GraphQLResolveInfo, type GraphQLSchema, Kind, visit } from 'graphql';
import type { Context } from './context.js';

/**
 * Selects the start of the oldest open transaction in this database, or the time one second ago if that is earlier. A
 * row's `updated_at` is never before the start of its transaction, so all rows with an earlier `updated_at` are
 * committed. The margin of one second covers a transaction that has its start time but is not in pg_stat_activity yet.
 * The result is null (no bound) when a start can't be read: for prepared transactions, and for transactions of other
 * roles if this role lacks pg_read_all_stats (pg_locks still shows that they exist). PREPARE moves a transaction from
 * pg_stat_activity to pg_prepared_xacts, so the query reads the views in this order. The rows of a transaction in
 * neither view are visible.
 */
const AS_OF = `
  WITH activity AS MATERIALIZED (
    SELECT pid, xact_start, query = '<insufficient privilege>' AS hidden
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IS DISTINCT FROM 'autovacuum worker'
  ), open AS MATERIALIZED (
    SELECT min(xact_start) AS oldest, array_agg(pid) FILTER (WHERE hidden) AS hidden FROM activity
  )
  SELECT CASE
    WHEN EXISTS (SELECT FROM pg_locks WHERE pid = ANY (hidden) AND locktype = 'virtualxid' AND virtualxid = virtualtransaction) THEN NULL
    WHEN EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database()) THEN NULL
    ELSE date_trunc('milliseconds', least(oldest, statement_timestamp() - interval '1 second'))
  END AS "asOf" FROM open`;

const read = new WeakMap<Context, Promise<Date | null>>();

/** Returns `asOf`, the time before which all changes are visible; the database is asked once for each request. */
export function readAsOf(ctx: Context): Promise<Date | null> {
  const known = read.get(ctx);
  if (known) return known;
  const asked = ctx.prisma.$queryRawUnsafe<{ asOf: Date | null }[]>(AS_OF).then(([row]) => row?.asOf ?? null);
  read.set(ctx, asked);
  return asked;
}

/**
 * Makes the root fields read `asOf` before any row, if the request selects `asOf`. If a page were read first, a transaction could commit
 * before `asOf` is read: the page would lack the transaction's rows although they are older than `asOf`.
 */
export function readAsOfFirst(schema: GraphQLSchema): GraphQLSchema {
  for (const type of [schema.getQueryType(), schema.getMutationType()])
    for (const field of Object.values(type?.getFields() ?? {})) {
      const { resolve = defaultFieldResolver } = field;
      field.resolve = (root, args, ctx, info) =>
        asksAsOf(info) ? readAsOf(ctx).then(() => resolve(root, args, ctx, info)) : resolve(root, args, ctx, info);
    }
  return schema;
}

const asking = new WeakMap<object, boolean>();

function asksAsOf({ operation, fragments }: GraphQLResolveInfo): boolean {
  const known = asking.get(operation);
  if (known !== undefined) return known;
  let asks = false;
  for (const node of [operation, ...Object.values(fragments)])
    visit(node, {
      [Kind.FIELD]: ({ name }) => {
        asks ||= name.value === 'asOf';
      },
    });
  asking.set(operation, asks);
  return asks;
}
