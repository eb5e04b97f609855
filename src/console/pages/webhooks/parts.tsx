// What several pages show of a webhook: its state, its destination, and since when it fails.
import { Badge, type BadgeTone } from '../../kit/badge';
import { fromNow } from '../../kit/time';

interface Destination {
  callbackUrl: string | null;
  sns: { topicArn: string } | null;
  sqs: { queueArn: string } | null;
  eventBridge: { eventBusArn: string } | null;
}

/** The kind of the destination, and its address. */
export function destinationOf({ callbackUrl, sns, sqs, eventBridge }: Destination): { kind: string; address: string } {
  if (sns) return { kind: 'SNS', address: sns.topicArn };
  if (sqs) return { kind: 'SQS', address: sqs.queueArn };
  if (eventBridge) return { kind: 'EventBridge', address: eventBridge.eventBusArn };
  return { kind: 'HTTPS', address: callbackUrl ?? '' };
}

interface Counted {
  from: string;
  delivered: number;
  failed: number;
}

/** The start of the newest run of intervals in which attempts failed and none succeeded; `null` when the newest attempts succeeded. */
function failingSince(buckets: Counted[]): string | null {
  let since: string | null = null;
  for (const { from, delivered, failed } of buckets.toReversed()) {
    if (delivered > 0) break;
    if (failed > 0) since = from;
  }
  return since;
}

/** The percentage of attempts that succeeded, rounded down, so that 100 means all; `null` when there are no attempts. */
export function successRate({ delivered, failed }: { delivered: number; failed: number }): number | null {
  const all = delivered + failed;
  return all === 0 ? null : Math.floor((delivered / all) * 1000) / 10;
}

interface Stated {
  status: 'DELETED' | 'DISABLED' | 'ENABLED' | 'HELD';
  disabledReason: string | null;
  pace: { state: 'LIMITED' | 'PROBING' | 'SLOWED'; since: string } | null;
}

/** The state in two words, and its tone. `since`: the time since which the webhook fails. */
export function stateOf(
  { status, disabledReason, pace }: Stated,
  since: string | null,
): { text: string; tone: BadgeTone; since: string | null } {
  if (status === 'DELETED') return { text: 'Deleted', tone: 'idle', since: null };
  if (status === 'DISABLED') {
    const isByOwner = disabledReason === 'OWNER' || disabledReason === 'INTEGRATION';
    return { text: isByOwner ? 'Disabled' : 'Disabled by a rule', tone: isByOwner ? 'idle' : 'bad', since: null };
  }
  if (status === 'HELD') return { text: 'Held: definition broken', tone: 'bad', since: null };
  if (since !== null) return { text: 'Failing', tone: 'bad', since };
  if (pace?.state === 'PROBING') return { text: 'Failing', tone: 'bad', since: pace.since };
  if (pace?.state === 'SLOWED') return { text: 'Slowed down', tone: 'warn', since: pace.since };
  return { text: 'Enabled', tone: 'good', since: null };
}

export function StateBadge({ webhook, buckets }: { webhook: Stated; buckets: Counted[] }) {
  const { text, tone, since } = stateOf(webhook, failingSince(buckets));
  return <Badge tone={tone}>{since === null ? text : `${text} since ${fromNow(since, Date.now())}`}</Badge>;
}

/** The states of a delivery, as people read them. */
export const DELIVERY_STATES: Record<string, { text: string; tone: BadgeTone }> = {
  DELIVERED: { text: 'Delivered', tone: 'good' },
  FAILED: { text: 'Failed', tone: 'bad' },
  RETRYING: { text: 'Retrying', tone: 'warn' },
  PENDING: { text: 'Pending', tone: 'accent' },
  HELD: { text: 'Held', tone: 'warn' },
  SKIPPED: { text: 'Skipped', tone: 'idle' },
  CANCELLED: { text: 'Cancelled', tone: 'idle' },
};

export function DeliveryBadge({ state }: { state: string }) {
  const { text, tone } = DELIVERY_STATES[state] ?? { text: state, tone: 'idle' };
  return <Badge tone={tone}>{text}</Badge>;
}
