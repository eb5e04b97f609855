// A request in, the moment out up to which its connections are complete: rows that were updated before it are all committed.
import { defaultFieldResolver, type GraphQLResolveInfo, type GraphQLSchema, Kind, visit } from 'graphql';
import type { Context } from './context.js';

/**
 * A row's `updated_at` is never before the start of its transaction: so what counts is the oldest one that is open in this database,
 * whether it has written or not. Null, which is no bound at all, where its start can't be told: that of a prepared transaction,
 * and that of other roles' transactions without the rights of pg_read_all_stats (pg_locks shows everybody that there is one).
 * Activity is read first: a transaction goes from there to the prepared ones, or its rows are visible when it is gone.
 * The second covers one that has its time, but doesn't show in the activity yet.
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

/** Asks the database once in a request. */
export function readAsOf(ctx: Context): Promise<Date | null> {
  const known = read.get(ctx);
  if (known) return known;
  const asked = ctx.prisma.$queryRawUnsafe<{ asOf: Date | null }[]>(AS_OF).then(([row]) => row?.asOf ?? null);
  read.set(ctx, asked);
  return asked;
}

/** Changes the schema's root fields so that the moment is read before any row: a transaction that commits in between would be missed. */
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
