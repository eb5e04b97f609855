// Finds everything that is out of step: announced tables, finders, and the stored queries that a schema breaks.
import type { GraphQLSchema } from 'graphql';
import { checkStored, finderProblems, type Webhooks } from '../webhooks/index.js';
import type { Announcement } from './announcement.js';

export interface CheckProblem {
  /** `ERROR`: something doesn't work, or wouldn't. `WARNING`: somebody should look. */
  severity: 'ERROR' | 'WARNING';
  /** The type, the finder or the subscription that it is about. */
  subject: string;
  message: string;
  hint: string | null;
}

export interface CheckOptions {
  announcement: Announcement;
  webhooks: Webhooks;
  /** The schema as it is or is going to be. */
  schema: GraphQLSchema;
  find: Record<string, string> | undefined;
}

export async function checkAll({ announcement, webhooks, schema, find }: CheckOptions): Promise<CheckProblem[]> {
  const { nodes, problems } = await announcement.inspect();
  const announced = problems.map(({ typename, message, hint }): CheckProblem => ({ severity: 'ERROR', subject: typename, message, hint }));
  const finders = finderProblems(schema, nodes, find ?? {}).map(
    (message): CheckProblem => ({ severity: 'ERROR', subject: 'find', message, hint: null }),
  );
  if (announced.length > 0 || !(await isMigrated(webhooks))) return [...announced, ...finders];
  await announcement.ready();
  const stored = await checkStored(webhooks.engine, schema);
  return [
    ...finders,
    ...stored.map(
      ({ subscriptionId, name, tenant, owner, topic, kind, message, recentDeliveries }): CheckProblem => ({
        severity: kind === 'DEPRECATED' ? 'WARNING' : 'ERROR',
        subject: `subscription ${name ?? subscriptionId} (${topic})`,
        message,
        hint: `Of ${owner} in ${tenant}; ${recentDeliveries} deliveries in the last 7 days.`,
      }),
    ),
  ];
}

async function isMigrated({ engine }: Webhooks): Promise<boolean> {
  const { rows } = await engine.pool.query<{ there: boolean }>(`SELECT to_regclass('hookgraph.subscriptions') IS NOT NULL AS there`);
  return rows[0]?.there ?? false;
}
