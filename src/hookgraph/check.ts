// Finds everything that is out of step: announced tables, triggers, finders, and the stored queries that a schema breaks.
import type { GraphQLSchema } from 'graphql';
import type { Webhooks } from '../webhooks/index.js';
import type { Announcement } from './announcement.js';

export interface CheckProblem {
  /** `ERROR`: something doesn't work. `WARNING`: it will not, or somebody should look. */
  severity: 'ERROR' | 'WARNING';
  /** The type, the topic or the subscription that it is about. */
  subject: string;
  message: string;
  hint: string | null;
}

export interface CheckOptions {
  announcement: Announcement;
  webhooks: Webhooks;
  /** The host's schema as it is or is going to be. */
  schema: GraphQLSchema;
}

export async function checkAll({ announcement }: CheckOptions): Promise<CheckProblem[]> {
  const { problems } = await announcement.inspect();
  return problems.map(({ typename, message, hint }): CheckProblem => ({ severity: 'ERROR', subject: typename, message, hint }));
}
