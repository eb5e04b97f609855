// Defines the node type Environment: a part of an organization that webhooks can be limited to.
import { defineNode } from '../graph/define-node.js';

export const environment = defineNode('Environment', { adminOnly: true });
