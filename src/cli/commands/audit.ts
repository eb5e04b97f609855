// `hookgraph audit`: accounts for every event and every subscription of its topic. Exit code 1 when rows contradict each other.
import { openPool } from '../../runtime/database.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { AUDIT_CODES, type Audit, addToAudit, audit, describeFinding } from '../../webhooks/index.js';
import type { Client } from '../client.js';
import type { Cli } from '../command.js';
import { openStore, refuseUnlessMigrated } from '../installation.js';
import type { Terminal } from '../terminal.js';

export interface AuditCommandOptions {
  /** Times in ISO 8601. */
  since?: string;
  until?: string;
  /** Audit the own subscriptions through the API, not the whole installation in the database. */
  mine?: true;
  json?: true;
}

const PAGE = `query ($since: DateTime, $until: DateTime, $after: String) { webhookAudit(since: $since, until: $until, after: $after) {
  events unsubscribed deliveries findingCount accounts { code reason count }
  findings { kind event { databaseId } webhookSubscription { databaseId } deliveryDatabaseId } endCursor hasNextPage } }`;

/** @throws RuntimeError `UNBALANCED` when rows contradict each other */
export async function runAudit(options: AuditCommandOptions, { terminal, env, connect }: Cli): Promise<void> {
  const onProgress = ({ events, deliveries }: { events: number; deliveries: number }) =>
    terminal.progress(`${counted(events, 'event', 'events')} and ${counted(deliveries, 'delivery', 'deliveries')} read`);
  const result = options.mine
    ? await auditMine(await connect(), options, onProgress)
    : await auditAll(options, { terminal, env }, onProgress);
  const { position: _, ofSubscriptions: __, ...books } = result;
  if (options.json) terminal.jsonLine(books);
  else print(terminal, result);
  const { findingCount: count } = result;
  if (count > 0)
    throw new RuntimeError(
      'UNBALANCED',
      `${counted(count, 'row contradicts', 'rows contradict')} the others`,
      'Correct what is wrong, or report it; `hookgraph audit --json` lists the first 100 rows.',
    );
}

type OnProgress = (read: { events: number; deliveries: number }) => void;

async function auditAll(
  { since, until, json }: AuditCommandOptions,
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
  onProgress: OnProgress,
): Promise<Audit> {
  const store = await openStore({ join: true, env, say: json ? () => {} : terminal.say });
  const { config, databaseUrl, log } = store;
  const pool = openPool(databaseUrl, { log, name: 'hookgraph audit', max: 1, schema: config.databaseSchema });
  try {
    await refuseUnlessMigrated(databaseUrl, config, log);
    return await audit(pool, { since: toDate(since), until: toDate(until), owner: null }, { onProgress });
  } finally {
    await pool.end();
    await store.close();
  }
}

const toDate = (time: string | undefined): Date | null => (time === undefined ? null : new Date(time));

async function auditMine(client: Client, { since, until }: AuditCommandOptions, onProgress: OnProgress): Promise<Audit> {
  const sum: Audit = {
    events: 0,
    withoutTenant: 0,
    unsubscribed: 0,
    deliveries: 0,
    accounts: [],
    ofSubscriptions: [],
    waiting: null,
    findingCount: 0,
    findings: [],
    position: null,
  };
  for (let after: string | null = null; ; ) {
    const { webhookAudit: page } = await client.ask(PAGE, { since: since ?? null, until: until ?? null, after });
    addToAudit(sum, { ...page, findings: page.findings.map(findingOf) });
    onProgress(sum);
    if (!page.hasNextPage) return sum;
    after = page.endCursor;
  }
}

interface Found {
  kind: Audit['findings'][number]['kind'];
  event: { databaseId: string } | null;
  webhookSubscription: { databaseId: string } | null;
  deliveryDatabaseId: string | null;
}

const findingOf = ({ kind, event, webhookSubscription, deliveryDatabaseId }: Found): Audit['findings'][number] => ({
  kind,
  eventId: event?.databaseId ?? null,
  subscriptionId: webhookSubscription?.databaseId ?? null,
  deliveryId: deliveryDatabaseId,
});

const ORDER = Object.keys(AUDIT_CODES);

function print(
  terminal: Terminal,
  { events, withoutTenant, unsubscribed, accounts, deliveries, waiting, findingCount, findings }: Audit,
): void {
  const pairs = accounts.reduce((sum, { count }) => sum + count, 0);
  terminal.say(
    `${counted(events, 'event', 'events')}, ${counted(unsubscribed, 'of them', 'of them')} without a subscription of ${unsubscribed === 1 ? 'its' : 'their'} topic.`,
  );
  terminal.say(`${counted(pairs, 'pair', 'pairs')} of an event and a subscription of its topic:`);
  terminal.table(
    ['count', 'code', 'reason'],
    accounts
      .toSorted((one, other) => ORDER.indexOf(one.code) - ORDER.indexOf(other.code) || other.count - one.count)
      .map(({ code, reason, count }) => [count, code, reason]),
  );
  if (withoutTenant > 0) terminal.say(`${counted(withoutTenant, 'event has', 'events have')} no tenant, so no subscription gets them.`);
  if (waiting)
    terminal.say(
      `${counted(waiting, 'change waits', 'changes wait')} for a worker to match ${waiting === 1 ? 'it' : 'them'} with subscriptions.`,
    );
  terminal.say(`${counted(deliveries, 'delivery', 'deliveries')} compared with the queue and the attempts.`);
  if (findingCount === 0) terminal.say('No row contradicts the others.');
  for (const finding of findings) terminal.say(describeFinding(finding));
  if (findingCount > findings.length) terminal.say(`… and ${findingCount - findings.length} more.`);
}

const counted = (count: number, one: string, many: string): string => `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
