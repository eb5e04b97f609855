// Says that the owner of a subscription is gone, in the words of the place that says it.
import type { Problem } from './errors.js';

const SENTENCE = 'owner was deleted, disabled, or moved to another organization';

/** The rule that disables the subscription, with the message that its other users read. */
export const OWNER_GONE = { reason: 'OWNER_GONE', message: `The subscription's ${SENTENCE}.` } as const;
/** The problem of a test or preview. */
export const OWNER_GONE_PROBLEM: Problem = { field: 'base', message: `the ${SENTENCE}` };
