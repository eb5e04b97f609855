// Defines the node type CallRecording: a recording of a call.
import { defineNode } from '../graph/define-node.js';

export const callRecording = defineNode('CallRecording', {
  when: {
    'call_recording/completed': { state: { to: 'COMPLETED', description: 'A recording of a call can be played.' } },
  },
});
