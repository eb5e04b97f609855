// Scenario: something to be trained, step by step.
import { defineNode } from '../graphql/define-node.js';

export const scenario = defineNode('Scenario', {
  hidden: ['environmentId'],
  complete: async (_row, { viewer }) => ({ authorId: viewer.userId }),
});
