// Integration: a product that is connected by webhooks; a group of subscriptions.
import { defineNode } from '../graph/define-node.js';

export const integration = defineNode('Integration', { adminOnly: true });
