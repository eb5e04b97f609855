// Defines the node type User: a person. API tokens act in a user's name.
import { defineNode } from '../graph/define-node.js';

export const user = defineNode('User', {
  adminOnly: true,
  connections: ['groups'],
  writableConnections: ['groups'],
  fullText: ['firstName', 'lastName', 'username', 'email'],
  orderBy: { name: ['firstName', 'lastName'] },
  fields: (t) => ({
    name: t.string({
      nullable: false,
      description: 'Given and family name.',
      resolve: ({ firstName, lastName }) => [firstName, lastName].filter(Boolean).join(' '),
    }),
    currentOrganization: t.relation('organization', {
      nullable: true,
      description: 'The organization that the person works in at the moment.',
    }),
  }),
});
