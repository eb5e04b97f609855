// ScenarioSession: one run through a scenario by one person.
import { defineNode } from '../graphql/define-node.js';

export const scenarioSession = defineNode('ScenarioSession', {
  hidden: ['environmentId'],
  lifecycle: [
    { topic: 'scenario_session/paused', field: 'state', to: 'PAUSED', description: 'A scenario session was interrupted.' },
    { topic: 'scenario_session/resumed', field: 'state', from: 'PAUSED', to: 'STARTED', description: 'A scenario session goes on.' },
    { topic: 'scenario_session/completed', field: 'state', to: 'COMPLETED', description: 'A scenario session came to its end.' },
  ],
  complete: async ({ scenarioId }, { tx, viewer }) => {
    const scenario = await tx.scenario.findUnique({ where: { id: scenarioId }, select: { environmentId: true } });
    return { createdById: viewer.userId, environmentId: scenario?.environmentId };
  },
  fields: (t) => ({
    duration: t.float({
      nullable: true,
      description: 'Seconds from its beginning to its end; null until it has ended.',
      resolve: ({ startedAt, endedAt }) => endedAt && (endedAt.getTime() - startedAt.getTime()) / 1000,
    }),
    percentOfStepsViewed: t.float({
      nullable: true,
      description: 'How much of it was seen, 0–100; null where there is nothing to see.',
      resolve: ({ numberOfStepsViewed, numberOfStepsPossible }) =>
        numberOfStepsPossible > 0 ? (100 * numberOfStepsViewed) / numberOfStepsPossible : null,
    }),
  }),
});
