// Defines the node type Organization: the tenant. Every other node belongs to exactly one organization.
import { defineNode } from '../graph/define-node.js';

export const organization = defineNode('Organization', {
  tenant: 'id',
  adminOnly: true,
  connections: ['groups', 'members', 'scenarios', 'scenarioSessions', 'calls', 'integrations', 'environments'],
});
