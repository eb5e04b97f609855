// Lists the codes of why-not answers. A code is stable; the sentence beside it may change.

export const WHY_NOT_CODES = {
  DELIVERED: 'Every change was delivered.',
  PARTLY_DELIVERED: 'Some of the changes were delivered; each finding has its own code.',
  NO_CHANGE: 'No change was recorded in this time.',
  NOT_CAPTURED: 'Changes of the table are not recorded, or not all of them; an operator has to repair the capture.',
  NOT_A_NODE_ID: 'The node id is no id of a node.',
  OTHER_TYPE: 'The node is of another type than the topic.',
  BEFORE_HOOK: 'The subscription is a before-hook, which is called before writes and gets no events.',
  SUBSCRIPTION_DISABLED: 'The subscription is disabled; see its `disabledReason`.',
  SUBSCRIPTION_HELD: 'The definition of the subscription no longer works; see its `heldReason`.',
  NOT_RELAYED: 'The change is recorded, and no worker has matched it with subscriptions yet.',
  OTHER_OPERATION: 'The topic is about another operation: created, updated or deleted.',
  OTHER_CHANGE: 'The topic is about another value of the column.',
  OLDER_THAN_SUBSCRIPTION: 'The change happened before the subscription was created. A replay sends it.',
  OTHER_ENVIRONMENT: 'The node is in an environment that the subscription does not cover.',
  ABOUT_SUBSCRIPTION_TOPICS: 'The change is about a subscription to topics of subscriptions; these are sent to nobody.',
  OTHER_DEFINITION_THEN: 'The subscription had another topic at the time, or did not cover the node. A replay sends the change.',
  SKIPPED_DISABLED: 'The subscription was disabled at the time. A replay sends the change.',
  SKIPPED_VALIDATION: 'The validation template rendered `false`.',
  HELD_DISABLED: 'The delivery waits until the subscription is enabled.',
  HELD_BROKEN: 'The delivery waits until the definition is corrected.',
  HELD_NODE: "The node's data could not be used. Correct the definition, or release the delivery.",
  RETRYING: 'The last attempt failed; another one is due.',
  FAILED: 'All attempts failed. The delivery can be resent.',
  CANCELLED: 'The subscription was deleted, or its replay ended.',
  PACED: 'The delivery is due and waits, because the subscription is slowed, probed or rate-limited.',
  NOT_CLAIMED: 'The delivery is due, and no worker has claimed it yet.',
} as const;

export type WhyNotCode = keyof typeof WHY_NOT_CODES;

/** A reason as a code for programs and a sentence for people. */
export interface Reason {
  code: WhyNotCode;
  sentence: string;
}
