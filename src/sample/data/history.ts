// Creates sample data of an organization for the last ninety days. The same seed creates the same rows, with times relative to now.
import type { Prisma } from '../../generated/nodes/client.js';
import { makeCalls } from './calls.js';
import { makePeople } from './people.js';
import { createRandom } from './random.js';
import { DAY_MS, type SampleContext, timestampsAt } from './sample-context.js';
import { makeScenarios } from './scenarios.js';
import { makeSessions } from './sessions.js';
import { ENVIRONMENTS, INTEGRATIONS } from './words.js';

export interface Size {
  users: number;
  scenarios: number;
  sessions: number;
  calls: number;
}

export async function makeHistory(
  tx: Prisma.TransactionClient,
  { organizationId, domain, seed, size }: { organizationId: string; domain: string; seed: number; size: Size },
): Promise<void> {
  const context: SampleContext = { tx, organizationId, domain, random: createRandom(seed), nowMs: Date.now() };
  const begun = timestampsAt(context, 100 * DAY_MS);
  const environments = ENVIRONMENTS.map((name) => ({ id: context.random.uuid(), organizationId, name, ...begun }));
  await tx.environment.createMany({ data: environments });
  await tx.integration.createMany({
    data: INTEGRATIONS.map((words) => ({ id: context.random.uuid(), organizationId, ...words, ...begun })),
  });
  const userIds = await makePeople(context, size.users);
  const environmentIds = [...environments.map(({ id }) => id), null];
  const releases = await makeScenarios(context, { count: size.scenarios, userIds, environmentIds });
  await makeSessions(context, { count: size.sessions, userIds, releases });
  await makeCalls(context, { count: size.calls, userIds, environmentIds });
}
