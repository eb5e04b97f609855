// Finds problems of announced tables and of finders (the root fields that find a node by its key), and stored queries that a
// new schema would break.
import type { GraphQLSchema } from 'graphql';
import type { OperatorProblem } from '../graphql/operators.js';
import { type CaptureFinding, checkStored, finderProblems, findOutOfStep, type StoredFinding, type Webhooks } from '../webhooks/index.js';
import type { Announcement } from './announcement.js';

export type CheckProblem = OperatorProblem;

export interface CheckOptions {
  announcement: Announcement;
  webhooks: Webhooks;
  /** The current schema, or a schema that is to be deployed. */
  schema: GraphQLSchema;
  find: Record<string, string> | undefined;
}

export async function checkAll({ announcement, webhooks, schema, find }: CheckOptions): Promise<CheckProblem[]> {
  const { nodes, problems } = await announcement.inspect();
  const announced = problems.map(({ typename, message, hint }): CheckProblem => ({ severity: 'ERROR', subject: typename, message, hint }));
  // A finder isn't checked while its type has problems, because the finder's problem may only be a consequence of them.
  const wrong = new Set(problems.map(({ typename }) => typename));
  const judged = Object.fromEntries(Object.entries(find ?? {}).filter(([typename]) => !wrong.has(typename)));
  const finders = finderProblems(schema, nodes, judged).map(
    (message): CheckProblem => ({ severity: 'ERROR', subject: 'find', message, hint: null }),
  );
  if (!(await isMigrated(webhooks))) return [...announced, ...finders];
  const captured = (await findOutOfStep(webhooks.engine.pool, nodes))
    // A finding of kind TABLE (a table is missing or was replaced) may only be a consequence of the problems in `announced`.
    .filter(({ kind }) => announced.length === 0 || kind !== 'TABLE')
    .map(captureProblem);
  if (announced.length > 0) return [...announced, ...finders, ...captured];
  await announcement.ready();
  const stored = await checkStored(webhooks.engine, schema);
  return [...finders, ...captured, ...stored.map(problemOf)];
}

function problemOf({ subscriptionId: id, version: _, kind, message, ...rest }: StoredFinding): CheckProblem {
  const { name, tenant, owner, topic, recentDeliveries, emptyPaths } = rest;
  const empty = emptyPaths.length === 0 ? '' : ` Its templates read ${emptyPaths.join(', ')}, which would then be empty.`;
  return {
    severity: kind === 'DEPRECATED' ? 'WARNING' : 'ERROR',
    subject: `subscription ${name ?? id} (${topic})`,
    message,
    hint: `The subscription belongs to ${owner} in ${tenant} and had ${recentDeliveries} deliveries in the last 7 days.${empty}`,
    subscription: { id, ...rest },
  };
}

/** Converts a finding to a problem: a warning if the next `migrate` resolves it, because `check` is meant to run before. */
function captureProblem({ kind, typename, table, message, hint }: CaptureFinding): CheckProblem {
  const isPending = kind === 'UNATTACHED' || kind === 'ANNOUNCEMENT';
  return { severity: isPending ? 'WARNING' : 'ERROR', subject: `${typename} (${table})`, message, hint };
}

export async function isMigrated({ engine }: Webhooks): Promise<boolean> {
  const { rows } = await engine.pool.query<{ there: boolean }>(`SELECT to_regclass('hookgraph.subscriptions') IS NOT NULL AS there`);
  return rows[0]?.there ?? false;
}
