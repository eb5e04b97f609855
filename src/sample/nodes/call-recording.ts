// CallRecording: a recording of a call.
import { defineNode } from '../graph/define-node.js';

export const callRecording = defineNode('CallRecording', {
  lifecycle: [{ topic: 'call_recording/completed', field: 'state', to: 'COMPLETED', description: 'A recording of a call can be played.' }],
});
