// Creates an organization's scenarios with their releases and steps.
import type { Prisma } from '../../generated/nodes/client.js';
import { DAY_MS, type SampleContext, timestampsAt } from './sample-context.js';
import { PUMP, SCENARIOS, type StepWords } from './words.js';

export interface Release {
  id: string;
  scenarioId: string;
  environmentId: string | null;
  publishedAgoMs: number;
  steps: { id: string; words: StepWords }[];
}

/** Creates scenarios with releases and steps. Returns the two releases of each published scenario, the older first. */
export async function makeScenarios(
  context: SampleContext,
  { count, userIds, environmentIds }: { count: number; userIds: string[]; environmentIds: (string | null)[] },
): Promise<Release[]> {
  const { tx, organizationId, random } = context;
  const made = SCENARIOS.slice(0, count).map(({ name, description, steps }) => {
    const authorId = random.pick(userIds);
    const environmentId = random.pick(environmentIds);
    return { row: { id: random.uuid(), organizationId, name, description, authorId, environmentId }, steps };
  });
  await tx.scenario.createMany({
    data: made.map(({ row }) => ({ ...row, publishedAt: new Date(context.nowMs - 95 * DAY_MS), ...timestampsAt(context, 96 * DAY_MS) })),
  });
  const found = await tx.scenario.findMany({
    where: { organizationId, publishedAt: { not: null }, id: { notIn: made.map(({ row }) => row.id) } },
    select: { id: true, authorId: true, environmentId: true },
  });
  const scenarios = [...made.map(({ row, steps }) => ({ ...row, steps })), ...found.map((row) => ({ ...row, steps: PUMP }))];

  const releases: (Release & { row: Prisma.ScenarioReleaseCreateManyInput })[] = scenarios.flatMap(
    ({ id: scenarioId, authorId, environmentId, steps }) =>
      [95, 45].map((days, index) => {
        const publishedAgoMs = days * DAY_MS;
        const id = random.uuid();
        return {
          id,
          scenarioId,
          environmentId,
          publishedAgoMs,
          // Leaves the last step out of the first release, so that the two releases differ.
          steps: steps.slice(0, index === 0 ? -1 : undefined).map((words) => ({ id: random.uuid(), words })),
          row: {
            id,
            organizationId,
            scenarioId,
            authorId,
            version: index + 1,
            type: index === 0 ? 'major' : 'minor',
            publishedAt: new Date(context.nowMs - publishedAgoMs),
            ...timestampsAt(context, publishedAgoMs),
          },
        };
      }),
  );
  await tx.scenarioRelease.createMany({ data: releases.map(({ row }) => row) });
  await tx.scenarioStep.createMany({
    data: releases.flatMap(({ id: scenarioReleaseId, steps, publishedAgoMs }) =>
      steps.map(({ id, words }, index) => ({
        id,
        organizationId,
        scenarioReleaseId,
        name: words.name,
        position: index + 1,
        ...(words.asks && { externalData: { asks: words.asks } }),
        ...timestampsAt(context, publishedAgoMs),
      })),
    ),
  });
  return releases;
}
