// Defines the node type ScenarioSessionPart: a period of a session in which one person worked on it.
import { defineNode } from '../graph/define-node.js';

export const scenarioSessionPart = defineNode('ScenarioSessionPart', {
  connections: ['scenarioSessionSteps'],
  when: {
    'scenario_session_part/completed': { state: { to: 'COMPLETED', description: 'A part of a session was completed.' } },
  },
  complete: async (_row, { viewer }) => ({ createdById: viewer.userId }),
});
