// Defines the messages that say that the owner of a subscription is gone.
import type { Problem } from './errors.js';

const SENTENCE = 'owner was deleted, disabled, or moved to another organization';

/** The rule that disables a subscription without an owner. Its message is shown with the subscription. */
export const OWNER_GONE = { reason: 'OWNER_GONE', message: `The subscription's ${SENTENCE}.` } as const;
/** The problem that a test or preview returns when the subscription's owner is gone. */
export const OWNER_GONE_PROBLEM: Problem = { field: 'base', message: `the ${SENTENCE}` };
