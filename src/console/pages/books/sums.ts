// Adds up the pages of the books, and groups their accounts.
import { webhookName } from '../history/words';
import type { Account, Books } from './queries';

/** Maximum number of findings that the API returns. */
const MOST_FINDINGS = 100;

/** Adds the next page to the pages that were read. */
export function join({ webhookAudit: read }: Books, { webhookAudit: further }: Books): Books {
  return {
    webhookAudit: {
      ...further,
      events: read.events + further.events,
      unsubscribed: read.unsubscribed + further.unsubscribed,
      deliveries: read.deliveries + further.deliveries,
      subscriptionAccounts: [...read.subscriptionAccounts, ...further.subscriptionAccounts],
      findingCount: read.findingCount + further.findingCount,
      findings: [...read.findings, ...further.findings].slice(0, MOST_FINDINGS),
    },
  };
}

/** The columns of the table, each with the codes that it counts and the state of the deliveries that it links to. */
export const COLUMNS = [
  { head: 'Delivered', codes: ['DELIVERED'], state: 'DELIVERED' },
  { head: 'Skipped', codes: ['SKIPPED'], state: 'SKIPPED' },
  { head: 'Failed', codes: ['FAILED'], state: 'FAILED' },
  { head: 'Held', codes: ['HELD'], state: 'HELD' },
  { head: 'To come', codes: ['PENDING', 'SLOWED'], state: null },
  { head: 'Not due', codes: ['NOT_DUE'], state: null },
  { head: 'Gone', codes: ['CANCELLED', 'FORGOTTEN'], state: null },
  { head: 'Missing', codes: ['MISSING'], state: null },
] as const satisfies { head: string; codes: Account['code'][]; state: string | null }[];

type Head = (typeof COLUMNS)[number]['head'];

export interface Sum {
  key: string;
  name: string;
  topic: string | null;
  /** The webhook of the sum; `null` for a topic and for deleted webhooks. */
  webhookId: string | null;
  counts: Record<Head, number>;
  total: number;
}

/** Sums by webhook or by topic, sorted by topic and name. Deleted webhooks are one sum. */
export function sumsOf(accounts: readonly Account[], by: 'webhook' | 'topic'): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { webhookSubscription: webhook, code, count } of accounts) {
    const key = (by === 'topic' ? webhook?.topic?.key : webhook?.id) ?? '';
    const sum = sums.get(key) ?? emptySum(key, webhook, by);
    sums.set(key, sum);
    for (const { head, codes } of COLUMNS) if ((codes as readonly string[]).includes(code)) sum.counts[head] += count;
    sum.total += count;
  }
  return [...sums.values()].sort((a, b) => (a.topic ?? '~').localeCompare(b.topic ?? '~') || a.name.localeCompare(b.name));
}

function emptySum(key: string, webhook: Account['webhookSubscription'], by: 'webhook' | 'topic'): Sum {
  const topic = webhook?.topic?.key ?? null;
  const name = webhook === null ? 'Deleted webhooks' : by === 'topic' ? (topic ?? 'Unknown topic') : webhookName(webhook);
  const counts = Object.fromEntries(COLUMNS.map(({ head }) => [head, 0])) as Record<Head, number>;
  return { key, name, topic, webhookId: by === 'webhook' && webhook ? webhook.id : null, counts, total: 0 };
}

export interface Outcome {
  code: Account['code'];
  reason: string | null;
  count: number;
}

/** How many events have which outcome, for all webhooks together, in the order of the columns. */
export function outcomesOf(accounts: readonly Account[]): Outcome[] {
  const outcomes = new Map<string, Outcome>();
  for (const { code, reason, count } of accounts) {
    const key = `${code} ${reason}`;
    outcomes.set(key, { code, reason, count: (outcomes.get(key)?.count ?? 0) + count });
  }
  const order = COLUMNS.flatMap(({ codes }): string[] => [...codes]);
  return [...outcomes.values()].sort((a, b) => order.indexOf(a.code) - order.indexOf(b.code) || b.count - a.count);
}
