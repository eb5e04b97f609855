// Defines the node type Attachment: a file, e.g. a photo that was taken in a session.
import { defineNode } from '../graph/define-node.js';

export const attachment = defineNode('Attachment');
