// Defines the node type ScenarioRelease: a published version of a scenario.
import { defineNode } from '../graph/define-node.js';

export const scenarioRelease = defineNode('ScenarioRelease', {
  connections: ['scenarioSteps'],
  complete: async (_row, { viewer }) => ({ authorId: viewer.userId }),
});
