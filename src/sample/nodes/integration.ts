// Defines the node type Integration: a product that receives webhooks. Subscriptions can belong to an integration.
import { defineNode } from '../graph/define-node.js';

export const integration = defineNode('Integration', { adminOnly: true });
