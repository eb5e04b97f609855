// Defines the messages for a subscription whose owner was deleted, disabled, or moved to another tenant.
import type { Problem } from './errors.js';

const SENTENCE = 'owner was deleted, disabled, or moved to another organization';

/** The reason and the message with which a rule disables the subscription. Users see the message with the subscription. */
export const OWNER_GONE = { reason: 'OWNER_GONE', message: `The subscription's ${SENTENCE}.` } as const;
/** The problem that a test or a preview of the subscription returns instead of running the query. */
export const OWNER_GONE_PROBLEM: Problem = { field: 'base', message: `the ${SENTENCE}` };
