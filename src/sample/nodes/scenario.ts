// Defines the node type Scenario: a step-by-step procedure that people are trained in.
import { defineNode } from '../graph/define-node.js';

export const scenario = defineNode('Scenario', {
  connections: ['scenarioReleases'],
  complete: async (_row, { viewer }) => ({ authorId: viewer.userId }),
});
