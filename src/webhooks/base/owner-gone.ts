// Defines the messages for a subscription whose owner was deleted, disabled, or moved to another tenant.
import type { Problem } from './errors.js';

const SENTENCE = 'owner was deleted, disabled, or moved to another organization';

/** The rule that disables such a subscription. Its message is shown with the subscription. */
export const OWNER_GONE = { reason: 'OWNER_GONE', message: `The subscription's ${SENTENCE}.` } as const;
/** The problem that a test or preview of such a subscription returns. */
export const OWNER_GONE_PROBLEM: Problem = { field: 'base', message: `the ${SENTENCE}` };
