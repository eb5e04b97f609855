// Defines the node type Integration: a product that is connected by webhooks. Groups subscriptions.
import { defineNode } from '../graph/define-node.js';

export const integration = defineNode('Integration', { adminOnly: true });
