// Environment: a part of the organization's world that webhooks can be limited to.
import { defineNode } from '../graph/define-node.js';

export const environment = defineNode('Environment', { adminOnly: true });
