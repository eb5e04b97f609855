// Defines the node type ScenarioSessionStep: a step of the scenario as it was done in a session.
import { defineNode } from '../graph/define-node.js';

export const scenarioSessionStep = defineNode('ScenarioSessionStep', {
  connections: ['scenarioSessionEvents'],
  furtherConnections: { events: { of: 'scenarioSessionEvents', description: 'The same as scenarioSessionEvents.' } },
  when: {
    'scenario_session_step/completed': { state: { to: 'COMPLETED', description: 'A step of a session was completed.' } },
  },
});
