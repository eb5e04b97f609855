// Defines the node type ScenarioSession: one run through a scenario by one person.
import { defineNode } from '../graph/define-node.js';
import { secondsBetween } from './seconds-between.js';

export const scenarioSession = defineNode('ScenarioSession', {
  connections: ['parts', 'scenarioSessionEvents', 'scenarioSessionCheckboxes'],
  furtherConnections: {
    completedSteps: { of: 'scenarioSessionSteps', where: { state: 'COMPLETED' }, description: 'The completed steps of the session.' },
    events: { of: 'scenarioSessionEvents', description: 'The same as scenarioSessionEvents.' },
  },
  when: {
    'scenario_session/paused': { state: { to: 'PAUSED', description: 'A scenario session was interrupted.' } },
    'scenario_session/resumed': { state: { from: 'PAUSED', to: 'STARTED', description: 'A scenario session was resumed.' } },
    'scenario_session/completed': { state: { to: 'COMPLETED', description: 'A scenario session was completed.' } },
  },
  complete: async ({ scenarioId }, { tx, viewer }) => {
    const scenario = await tx.scenario.findUnique({ where: { id: scenarioId }, select: { environmentId: true } });
    return { createdById: viewer.userId, environmentId: scenario?.environmentId };
  },
  fields: (t) => ({
    duration: t.float({
      nullable: true,
      description: 'The duration of the session in seconds; `null` until it has ended.',
      resolve: secondsBetween,
    }),
    percentOfStepsViewed: t.float({
      nullable: true,
      description: 'The percentage of its steps that were seen, 0–100; `null` when the session has no steps.',
      resolve: ({ numberOfStepsViewed, numberOfStepsPossible }) =>
        numberOfStepsPossible > 0 ? (100 * numberOfStepsViewed) / numberOfStepsPossible : null,
    }),
  }),
});
