// Defines the node type Call: a conversation of several people.
import { defineNode } from '../graph/define-node.js';
import { secondsBetween } from './seconds-between.js';

export const call = defineNode('Call', {
  connections: ['participants', 'callRecordings'],
  writableConnections: ['participants'],
  when: {
    'call/completed': { state: { to: 'COMPLETED', description: 'A call ended.' } },
  },
  complete: async (_row, { viewer }) => ({ createdById: viewer.userId }),
  fields: (t) => ({
    duration: t.float({
      nullable: true,
      description: 'The duration of the call in seconds; `null` until it has ended.',
      resolve: secondsBetween,
    }),
  }),
});
