// Attachment: a file, e.g. a photo that was taken in a session.
import { defineNode } from '../graphql/define-node.js';

export const attachment = defineNode('Attachment');
