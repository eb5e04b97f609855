// Lists the codes of the answers to why a notification was not sent. The codes are stable; their descriptions may change.

export const WHY_NOT_CODES = {
  DELIVERED: 'The change was delivered. As a conclusion: every change was delivered.',
  PARTLY_DELIVERED: 'Not every change was delivered. Each finding has the code of its change.',
  NO_CHANGE: 'No change was recorded in the period.',
  NOT_CAPTURED: 'Changes of the table are not recorded, or not all of them. An operator has to repair the capture.',
  NOT_A_NODE_ID: 'The given id is not the id of a node.',
  OTHER_TYPE: 'The node is of another type than the topic.',
  BEFORE_HOOK: 'The subscription is a before-hook, which is called before writes and gets no events.',
  SUBSCRIPTION_DISABLED: 'The subscription is disabled; see its `disabledReason`.',
  SUBSCRIPTION_HELD: 'The definition of the subscription no longer works; see its `heldReason`.',
  NOT_RELAYED: 'The change is recorded, but no worker has matched it with subscriptions yet.',
  OTHER_OPERATION: 'The topic is about another operation: created, updated or deleted.',
  OTHER_CHANGE: 'The topic is about a column that changes to a certain value. This change did not do that.',
  OTHER_RELATED_CHANGE:
    'Only related rows changed, and the subscription has no `relatedChanges`, or its query reads no field that changed.',
  OLDER_THAN_SUBSCRIPTION: 'The change happened before the subscription was created. A replay sends it.',
  OTHER_ENVIRONMENT: 'The node is in an environment that the subscription does not cover.',
  ABOUT_SUBSCRIPTION_TOPICS: 'The changed node is itself a subscription to a `webhook_subscription` topic. Such changes are never sent.',
  OTHER_DEFINITION_THEN: 'When the change happened, the subscription had another topic or did not cover the node. A replay sends it.',
  SKIPPED_DISABLED: 'The subscription was disabled when the change happened. A replay sends it.',
  SKIPPED_VALIDATION: 'The validation template rendered `false`.',
  UNREAD_CHANGE: 'The change touched no field that the query or a template reads, and the subscription has `skipUnread`.',
  REPLACED: 'A later notification about the same node replaced it, because the subscription has the ordering LATEST_ONLY.',
  WAITS_IN_ORDER: 'The subscription is ordered, and an earlier notification about the same node has not ended yet.',
  SKIPPED_NOTHING_STORED: 'A replay was to repeat an earlier request, of which not enough is stored. See the `reason` of the delivery.',
  HELD_DISABLED: 'The delivery waits until the subscription is enabled.',
  HELD_BROKEN: 'The delivery waits until the definition is corrected.',
  HELD_NODE: "The node's data could not be used. Correct the definition, or release the delivery.",
  RETRYING: 'The last attempt failed. A retry is scheduled.',
  FAILED: 'All attempts failed. The delivery can be resent.',
  CANCELLED: 'The subscription was deleted, the replay that created the delivery was cancelled, or the node was forgotten.',
  WAITS_FOR_OPERATOR:
    'A fault that only the operator of this API can correct keeps the notification from being built. It is tried again by itself, and no attempt is counted.',
  QUERY_TOO_SLOW:
    'The stored query took longer than its limit. It runs again after growing pauses, and no attempt is counted. The delivery is held if it is still too slow after some minutes.',
  IN_A_LOOP: "The owner's own writes to the node answer its notifications and cause the next ones. They are sent with growing pauses.",
  PUT_BACK: 'This installation could not send the notification. It is tried again by itself, and no attempt is counted.',
  IN_PROGRESS: 'A worker has claimed the delivery: it is being sent, or waits for the answer of the receiver.',
  PACED: 'The delivery is due, but waits because the subscription is slowed, probed or rate-limited.',
  NOT_CLAIMED: 'The delivery is due, but no worker has claimed it yet.',
} as const;

export type WhyNotCode = keyof typeof WHY_NOT_CODES;

/** A reason as a code for programs and a sentence for people. */
export interface Reason {
  code: WhyNotCode;
  sentence: string;
}
