// Shows the books: sums of what became of every event for each webhook, and events that contradict each other.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Badge } from '../../kit/badge';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import { Filters, Select } from '../../kit/field';
import { Empty, Loaded } from '../../kit/loaded';
import { Page, Section } from '../../kit/page';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Time } from '../../kit/time';
import styles from './books.module.css';
import type { Account, Books, Finding } from './queries';
import type { BooksSearch, SPANS } from './search';
import { COLUMNS, type Outcome, outcomesOf, type Sum, sumsOf } from './sums';
import { useBooks } from './use-books';
import { CODE_TEXTS, whyOf } from './words';

type Span = '24h' | (typeof SPANS)[number];

const DAY_MS = 86_400_000;
const SPAN_MS: Record<Span, number | null> = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS, all: null };
const SPAN_CHOICES: readonly (readonly [Span, string])[] = [
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
  ['all', 'All that is kept'],
];
const BY = [
  ['webhook', 'By webhook'],
  ['topic', 'By topic'],
] as const;

const numbers = new Intl.NumberFormat();
const counted = (count: number, one: string, many: string) => `${numbers.format(count)} ${count === 1 ? one : many}`;

const route = getRouteApi('/books');

export function BooksPage() {
  const search = route.useSearch();
  const { span = '24h', by = 'webhook' } = search;
  const navigate = useNavigate();
  const [countedMs, setCountedMs] = useState(() => Date.now());
  const spanMs = SPAN_MS[span];
  const until = new Date(countedMs).toISOString();
  const { query, isWhole } = useBooks(spanMs === null ? null : new Date(countedMs - spanMs).toISOString(), until);
  const filter = (change: BooksSearch) => void navigate({ to: '/books', search: { ...search, ...change }, replace: true });
  const onSpan = (value: Span) => {
    setCountedMs(Date.now());
    filter({ span: value === '24h' ? undefined : value });
  };
  const again = (
    <Button icon="refresh" isBusy={query.isFetching} onPress={() => setCountedMs(Date.now())}>
      Count again
    </Button>
  );
  return (
    <Page title="Books" lead="Every event, and what became of it for each of your webhooks to its topic." actions={again}>
      <Filters>
        <Select aria-label="Time" value={span} choices={SPAN_CHOICES} onChange={onSpan} />
        <Select aria-label="Sums" value={by} choices={BY} onChange={(value) => filter({ by: value === 'topic' ? value : undefined })} />
      </Filters>
      <Loaded query={query} what="the books">
        {(books) => <Counted books={books} by={by} span={span} isWhole={isWhole} until={until} />}
      </Loaded>
    </Page>
  );
}

interface CountedProps {
  books: Books;
  by: 'webhook' | 'topic';
  span: Span;
  /** Whether all pages are read. */
  isWhole: boolean;
  until: string;
}

function Counted({ books: { webhookAudit: books }, by, span, isWhole, until }: CountedProps) {
  const { events, unsubscribed, subscriptionAccounts: accounts, findings, findingCount } = books;
  if (isWhole && events === 0 && findingCount === 0)
    return (
      <Empty title="Nothing changed">
        <p>No event was recorded in this time, so there is nothing to account for.</p>
      </Empty>
    );
  return (
    <>
      <p role="status" className={styles.state}>
        {isWhole && findingCount === 0 && <Badge tone="good">Everything adds up</Badge>}
        <span>
          {counted(events, 'event', 'events')}, {numbers.format(unsubscribed)} without a webhook of yours to{' '}
          {unsubscribed === 1 ? 'its' : 'their'} topic.{' '}
          {isWhole ? (
            <>
              Counted until <Time at={until} />.
            </>
          ) : (
            'The count goes on.'
          )}
        </span>
      </p>
      {findingCount > 0 && <Findings findings={findings} count={findingCount} />}
      {accounts.length > 0 && <Sums accounts={accounts} by={by} span={span} />}
      {isWhole && accounts.length === 0 && (
        <Empty title="No webhook is about these events" action={<Link to="/topics">All topics</Link>}>
          <p>None of your webhooks has the topic of an event of this time.</p>
        </Empty>
      )}
    </>
  );
}

function Sums({ accounts, by, span }: { accounts: readonly Account[]; by: 'webhook' | 'topic'; span: Span }) {
  const sums = sumsOf(accounts, by);
  return (
    <>
      <Table label="Sums" columns={columnsOf(by, sums, span)} rows={sums} rowKey={({ key }) => key} />
      <Section title="Why">
        <Table label="Outcomes" columns={OUTCOMES} rows={outcomesOf(accounts)} rowKey={({ code, reason }) => `${code} ${reason}`} />
      </Section>
    </>
  );
}

/** Leaves out columns without a number, except those that people look for. */
function columnsOf(by: 'webhook' | 'topic', sums: readonly Sum[], span: Span): Column<Sum>[] {
  const shown = COLUMNS.filter(
    ({ head }) => head === 'Delivered' || head === 'Failed' || head === 'Missing' || sums.some(({ counts }) => counts[head] > 0),
  );
  return [
    {
      head: by === 'webhook' ? 'Webhook' : 'Topic',
      cell: ({ name, webhookId }) =>
        webhookId === null ? (
          name
        ) : (
          <Link to="/webhooks/$webhookId" params={{ webhookId }} className={rowLinkClass}>
            {name}
          </Link>
        ),
    },
    ...(by === 'webhook' ? [{ head: 'Topic', cell: ({ topic }: Sum) => <span className={styles.sub}>{topic}</span> }] : []),
    ...shown.map(
      ({ head, state }): Column<Sum> => ({
        head,
        align: 'right',
        cell: ({ counts: { [head]: count }, webhookId }) => {
          if (count === 0) return head === 'Missing' ? '0' : null;
          if (state === null || webhookId === null) return numbers.format(count);
          return (
            <Link to="/deliveries" search={{ webhook: webhookId, state, since: span === 'all' ? undefined : span }}>
              {numbers.format(count)}
            </Link>
          );
        },
      }),
    ),
    { head: 'Events', align: 'right', cell: ({ total }) => <strong>{numbers.format(total)}</strong> },
  ];
}

const OUTCOMES: Column<Outcome>[] = [
  { head: 'Outcome', cell: ({ code }) => CODE_TEXTS[code] },
  { head: 'Reason', cell: (outcome) => whyOf(outcome) },
  { head: 'Events', align: 'right', cell: ({ count }) => numbers.format(count) },
];

function Findings({ findings, count }: { findings: readonly Finding[]; count: number }) {
  return (
    <Banner tone="bad" title={count === 1 ? '1 row contradicts the others' : `${numbers.format(count)} rows contradict the others`}>
      <p>This is a fault of the installation, not of your webhooks. Tell its operator.</p>
      <ul className={styles.findings}>
        {findings.map((finding) => (
          <li key={`${finding.kind} ${finding.message}`}>
            {finding.message}
            <FoundLinks finding={finding} />
          </li>
        ))}
      </ul>
      {count > findings.length && <p>… and {numbers.format(count - findings.length)} more.</p>}
    </Banner>
  );
}

function FoundLinks({ finding: { event, webhookSubscription: webhook, deliveryDatabaseId } }: { finding: Finding }) {
  return (
    <span className={styles.links}>
      {' '}
      {event && (
        <Link to="/events/$id" params={{ id: event.id }}>
          Event
        </Link>
      )}
      {webhook && (
        <Link to="/webhooks/$webhookId" params={{ webhookId: webhook.id }}>
          Webhook
        </Link>
      )}
      {deliveryDatabaseId && (
        <Link to="/deliveries/$id" params={{ id: deliveryDatabaseId }}>
          Delivery
        </Link>
      )}
    </span>
  );
}
