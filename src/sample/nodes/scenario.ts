// Scenario: something to be trained, step by step.
import { defineNode } from '../graph/define-node.js';

export const scenario = defineNode('Scenario', {
  connections: ['scenarioReleases'],
  complete: async (_row, { viewer }) => ({ authorId: viewer.userId }),
});
