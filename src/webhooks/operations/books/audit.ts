// Accounts for each pair of an event and a subscription to its topic, and finds rows that contradict each other. Reads in steps by id, so
// that each statement is short.
import type { Pool } from 'pg';
import { type Statement, sqlStatement } from '../../../runtime/sql-file.js';
import { WebhooksError } from '../../base/errors.js';
import type { Owner } from '../../base/model.js';
import { GREATEST_ID } from '../../base/store/page.js';
import { StepSize } from '../../base/store/steps.js';
import { firstIdOf } from '../../base/time-of-id.js';
import { AUDIT_FAULTS, type AuditCode, type AuditFault } from './codes.js';

export interface AuditScope {
  /** Only events and deliveries of this time or later; `null`: all that are kept. */
  since: Date | null;
  /** Only events and deliveries before this time; `null`: all. */
  until: Date | null;
  /** Only the subscriptions of this owner; `null`: the whole installation. */
  owner: Owner | null;
}

export interface Account {
  code: AuditCode;
  reason: string | null;
  /** Number of pairs of an event and a subscription of its topic. */
  count: number;
}

/** The part of an account that belongs to one subscription. */
export interface SubscriptionAccount extends Account {
  subscriptionId: string;
}

export interface AuditFinding {
  kind: AuditFault;
  eventId: string | null;
  subscriptionId: string | null;
  deliveryId: string | null;
}

export interface Audit {
  /** Number of events. Several changes of a row by one transaction are one event. */
  events: number;
  /** Number of events for which no tenant can be found, so that no subscription gets them. */
  withoutTenant: number;
  /** Number of events without a subscription to their topic. */
  unsubscribed: number;
  accounts: Account[];
  /** The same accounts by subscription; empty in an audit of the whole installation. */
  ofSubscriptions: SubscriptionAccount[];
  /** Number of deliveries that were compared with the queue and their attempts, including tests and before-hooks. */
  deliveries: number;
  /** Number of recorded changes that no worker has matched yet; `null` in an audit of one owner. */
  waiting: number | null;
  findingCount: number;
  /** The first findings, at most MOST_FINDINGS. */
  findings: AuditFinding[];
  /** The position at which the next call continues; `null` when all was read. */
  position: string | null;
}

export interface AuditOptions {
  /** The position that the previous call returned; absent for the first call. */
  position?: string | null;
  /** Milliseconds after which no further step begins; at least one runs. Default: no limit. */
  withinMs?: number;
  /** Maximum number of rows that a step reads. */
  most?: number;
  onProgress?: (read: { events: number; deliveries: number }) => void;
}

interface Step extends Pick<Audit, 'findings' | 'findingCount'>, Partial<Pick<Audit, 'events' | 'withoutTenant' | 'unsubscribed'>> {
  found: number;
  last: string | null;
  deliveries?: number;
  accounts?: Account[];
  ofSubscriptions?: SubscriptionAccount[];
}

type Window = 'after_id' | 'until_id' | 'batch_size' | 'tenant' | 'owner' | 'max_findings';

const PARTS: { statement: Statement<Window>; ofOwner: boolean }[] = [
  { statement: sqlStatement<Window>('webhooks/operations/books/events.sql'), ofOwner: true },
  { statement: sqlStatement<Window>('webhooks/operations/books/deliveries.sql'), ofOwner: true },
  { statement: sqlStatement<Window>('webhooks/operations/books/queue.sql'), ofOwner: false },
];

const MOST_FINDINGS = 100;
const MOST_ROWS = 2_000;
/** Maximum number of recorded changes to count. */
const MOST_WAITING = 100_000;

/** @throws WebhooksError PAGE_INVALID for a position that no call returned */
export async function audit(pool: Pool, scope: AuditScope, options: AuditOptions = {}): Promise<Audit> {
  const { withinMs = Number.POSITIVE_INFINITY, most = MOST_ROWS, onProgress = () => {} } = options;
  const { owner } = scope;
  const parts = owner ? PARTS.filter(({ ofOwner }) => ofOwner) : PARTS;
  const first = String(BigInt(firstIdOf(scope.since)) - 1n);
  let { part, afterId } = readPosition(options.position ?? `0:${first}`, parts.length);
  const sum: Audit = { ...NOTHING, accounts: [], ofSubscriptions: [], findings: [], waiting: null };
  if (!owner && part === 0 && options.position == null) add(sum, await readWaiting(pool));
  const size = new StepSize(most);
  for (const startedMs = performance.now(); part < parts.length; ) {
    const { rows } = size;
    try {
      const { statement } = parts[part] as (typeof PARTS)[number];
      const step = await runStep(pool, statement, {
        after_id: afterId,
        until_id: scope.until ? firstIdOf(scope.until) : GREATEST_ID,
        batch_size: rows,
        tenant: owner?.tenant ?? null,
        owner: owner?.userId ?? null,
        max_findings: MOST_FINDINGS,
      });
      size.succeeded();
      add(sum, step);
      onProgress(sum);
      const isOver = step.found < rows;
      [part, afterId] = isOver ? [part + 1, parts[part + 1]?.ofOwner === false ? '0' : first] : [part, step.last as string];
    } catch (error) {
      if (!size.failed(error)) throw error;
    }
    if (performance.now() - startedMs > withinMs) break;
  }
  return { ...sum, position: part < parts.length ? `${part}:${afterId}` : null };
}

const NOTHING = { events: 0, withoutTenant: 0, unsubscribed: 0, deliveries: 0, findingCount: 0, position: null };

/** Adds a step, or the result of a further call, to the sum. */
export function add(sum: Audit, step: Partial<Step> & { waiting?: number | null }): void {
  for (const name of ['events', 'withoutTenant', 'unsubscribed', 'deliveries', 'findingCount'] as const) sum[name] += step[name] ?? 0;
  if (step.waiting != null) sum.waiting = (sum.waiting ?? 0) + step.waiting;
  addAccounts(sum.accounts, step.accounts ?? []);
  addAccounts(sum.ofSubscriptions, step.ofSubscriptions ?? []);
  sum.findings.push(...(step.findings ?? []).slice(0, MOST_FINDINGS - sum.findings.length));
}

function addAccounts<One extends Account & { subscriptionId?: string }>(sum: One[], more: readonly One[]): void {
  const keyOf = ({ code, reason, subscriptionId }: One) => [code, reason, subscriptionId].join(' ');
  const known = new Map(sum.map((account) => [keyOf(account), account]));
  for (const account of more) {
    const found = known.get(keyOf(account));
    if (found) found.count += account.count;
    else sum.push({ ...account });
  }
}

async function runStep(pool: Pool, statement: Statement<Window>, values: Record<Window, unknown>): Promise<Step> {
  const { rows } = await pool.query<Step>(statement.text, statement.values(values));
  return rows[0] as Step;
}

function readPosition(position: string, parts: number): { part: number; afterId: string } {
  const [, part = '', afterId = ''] = /^(\d):(-?\d{1,19})$/.exec(position) ?? [];
  if (part === '' || Number(part) >= parts) throw new WebhooksError('PAGE_INVALID', 'The argument "after" is not a cursor of an audit.');
  return { part: Number(part), afterId };
}

/** Counts the changes that wait for the relay, and finds those that the relay will never take. */
async function readWaiting(pool: Pool): Promise<Pick<Step, 'findings' | 'findingCount'> & { waiting: number }> {
  const { rows } = await pool.query<{ waiting: number; late: number; lost: string[] }>(
    `WITH late AS MATERIALIZED (
       SELECT FROM hookgraph.captures WHERE id < hookgraph.id_at(now() - interval '10 minutes') LIMIT ${MOST_WAITING}
     ), queued AS MATERIALIZED (SELECT event_id FROM hookgraph.event_queue UNION SELECT event_id FROM hookgraph.fan_outs LIMIT ${MOST_WAITING})
     SELECT (SELECT count(*) FROM (SELECT FROM hookgraph.captures LIMIT ${MOST_WAITING}) c)::int + (SELECT count(*) FROM queued)::int AS waiting,
       (SELECT count(*) FROM late)::int AS late,
       ARRAY(SELECT q.event_id::text FROM queued q WHERE NOT EXISTS (SELECT FROM hookgraph.events e WHERE e.id = q.event_id OFFSET 0) LIMIT ${MOST_FINDINGS})
         AS lost`,
  );
  const { waiting, late, lost } = rows[0] as { waiting: number; late: number; lost: string[] };
  const findingOf = (kind: AuditFault, eventId: string | null): AuditFinding => ({ kind, eventId, subscriptionId: null, deliveryId: null });
  const findings = [...(late > 0 ? [findingOf('NOT_RELAYED', null)] : []), ...lost.map((id) => findingOf('QUEUED_WITHOUT_EVENT', id))];
  return { waiting, findingCount: late + lost.length, findings };
}

/** Says what is wrong with which rows: `An event has no delivery … event 7, subscription …`. */
export function describeFinding({ kind, eventId, subscriptionId, deliveryId }: AuditFinding): string {
  const rows = [eventId && `event ${eventId}`, subscriptionId && `subscription ${subscriptionId}`, deliveryId && `delivery ${deliveryId}`];
  return [AUDIT_FAULTS[kind].replace(/\.$/, ''), rows.filter(Boolean).join(', ')].filter(Boolean).join(': ');
}
