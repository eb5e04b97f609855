// Defines the node type ScenarioSessionEvent: something that happened in a session.
import { defineNode } from '../graph/define-node.js';

export const scenarioSessionEvent = defineNode('ScenarioSessionEvent', {
  connections: ['attachments'],
  writableConnections: ['attachments'],
  anyOf: { valueTypes: 'valueType' },
  complete: async (_row, { viewer }) => ({ createdById: viewer.userId }),
});
