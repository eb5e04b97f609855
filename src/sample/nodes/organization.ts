// Organization: the tenant. Everything else belongs to exactly one.
import { defineNode } from '../graph/define-node.js';

export const organization = defineNode('Organization', {
  tenant: 'id',
  adminOnly: true,
  connections: ['groups', 'members', 'scenarios', 'scenarioSessions', 'calls', 'integrations', 'environments'],
});
