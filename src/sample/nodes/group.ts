// Defines the node type Group: a set of people.
import { defineNode } from '../graph/define-node.js';

export const group = defineNode('Group', { connections: ['members'], writableConnections: ['members'] });
