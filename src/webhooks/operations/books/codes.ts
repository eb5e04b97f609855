// Lists what the audit counts, and the faults that it finds. The codes are stable; their descriptions may change.

/** The outcomes of an event for a subscription of its topic. */
export const AUDIT_CODES = {
  DELIVERED: 'The receiver accepted the notification.',
  SKIPPED: 'The notification was decided against; the reason says why, such as VALIDATION or DISABLED.',
  FAILED: 'All attempts failed. The delivery can be resent.',
  HELD: 'The delivery waits until the subscription or its definition is corrected.',
  CANCELLED: 'The subscription was deleted, or the replay that created the delivery was cancelled.',
  PENDING: 'The notification is still to be sent, or sent again.',
  SLOWED: 'The notification is still to be sent, and its subscription is slowed or probed.',
  NOT_DUE: 'The subscription was not to get the event; the reason says why, such as OLDER_THAN_SUBSCRIPTION.',
  FORGOTTEN: 'The delivery was deleted with old history.',
  MISSING: 'There is no delivery and no reason for that: a fault of this installation.',
} as const;

export type AuditCode = keyof typeof AUDIT_CODES;

/** How rows of the history contradict each other. */
export const AUDIT_FAULTS = {
  MISSING_DELIVERY: 'An event has no delivery to a subscription that should have got it.',
  WITHOUT_EVENT: 'A delivery has no event, although events of its time are kept.',
  WITHOUT_SUBSCRIPTION: 'A delivery has no subscription.',
  OTHER_TENANT: 'A delivery belongs to another tenant than its event or its subscription.',
  CONTRADICTS_QUEUE: 'The state of a delivery contradicts its row of the queue, or it has none and should have one.',
  CONTRADICTS_ATTEMPTS: 'The state of a delivery contradicts its attempts, or attempts are missing.',
  QUEUED_WITHOUT_DELIVERY: 'A row of the queue has no delivery.',
  QUEUED_WITHOUT_EVENT: 'An event that waits for its deliveries does not exist.',
  NOT_RELAYED: 'A change was recorded more than ten minutes ago, and no worker has matched it with subscriptions.',
} as const;

export type AuditFault = keyof typeof AUDIT_FAULTS;
