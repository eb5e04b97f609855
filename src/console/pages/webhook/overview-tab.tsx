// The overview of a webhook: its health over time, its recent deliveries, and its settings.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { LIVE_MS, SLOW_MS, useApi } from '../../app/queries';
import { buttonClass } from '../../kit/button';
import { Chart } from '../../kit/chart';
import { Select } from '../../kit/field';
import { cutId } from '../../kit/id';
import { Empty, Loaded } from '../../kit/loaded';
import { Card, Section } from '../../kit/page';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Due, formatMs, Time } from '../../kit/time';
import { REASON_TEXTS } from '../history/words';
import { DeliveryBadge, successRate } from '../webhooks/parts';
import { EgressSection } from './egress';
import styles from './overview.module.css';
import type { PeriodName } from './periods';
import { RECENT, type RecentDelivery, STATS, type Stats } from './queries';
import { Settings } from './settings';
import { UnreadOffer } from './unread-offer';
import { useWebhook } from './webhook-page';

const route = getRouteApi('/webhooks/$webhookId/');

const HOUR_MS = 3_600_000;
const PERIODS: Record<PeriodName, { ms: number; buckets: number; label: string }> = {
  '24h': { ms: 24 * HOUR_MS, buckets: 48, label: 'Last 24 hours' },
  '7d': { ms: 7 * 24 * HOUR_MS, buckets: 84, label: 'Last 7 days' },
  '30d': { ms: 30 * 24 * HOUR_MS, buckets: 60, label: 'Last 30 days' },
};
const CHOICES = Object.entries(PERIODS).map(([name, { label }]) => [name as PeriodName, label] as const);

export function OverviewTab() {
  const webhook = useWebhook().data?.webhookSubscription;
  if (!webhook) return null;
  return (
    <>
      <UnreadOffer id={webhook.id} />
      <Health id={webhook.id} />
      <Recent id={webhook.id} />
      <Settings webhook={webhook} />
      <EgressSection id={webhook.id} />
    </>
  );
}

function Health({ id }: { id: string }) {
  const { period = '24h' } = route.useSearch();
  const navigate = useNavigate();
  const { ms, buckets, label } = PERIODS[period];
  // The period ends now. Its start moves only once a minute, so that the query stays the same meanwhile.
  const minute = Math.floor(Date.now() / 60_000);
  const from = useMemo(() => new Date(minute * 60_000 - ms).toISOString(), [minute, ms]);
  const query = useApi(STATS, { id, from, buckets }, { poll: SLOW_MS });
  return (
    <Section
      title="Health"
      actions={
        <Select
          aria-label="Period"
          value={period}
          choices={CHOICES}
          onChange={(value) => void navigate({ to: '.', search: { period: value === '24h' ? undefined : value }, replace: true })}
        />
      }
    >
      <Loaded query={query} what="the statistics">
        {({ webhookSubscription }) => (webhookSubscription ? <Charts stats={webhookSubscription.stats} label={label} /> : null)}
      </Loaded>
    </Section>
  );
}

function Charts({ stats, label }: { stats: Stats; label: string }) {
  const rate = successRate(stats);
  const numbers: [string, string][] = [
    ['Delivered', format(stats.delivered)],
    ['Failed', format(stats.failed)],
    ['Success', rate === null ? '—' : `${rate} %`],
    ['Skipped', format(stats.skipped)],
    ['Held', format(stats.held)],
    ['Median duration', stats.p50Ms === null ? '—' : formatMs(stats.p50Ms)],
    ['95 % within', stats.p95Ms === null ? '—' : formatMs(stats.p95Ms)],
  ];
  return (
    <Card>
      <dl className={styles.numbers}>
        {numbers.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className={styles.charts}>
        <Chart
          kind="bars"
          label={`${label}: ${stats.delivered} attempts delivered, ${stats.failed} failed, ${stats.skipped} skipped, ${stats.held} held`}
          rows={stats.buckets}
          at={({ from }) => from}
          format={format}
          series={[
            { label: 'Delivered', colour: 'good', value: ({ delivered }) => delivered },
            { label: 'Failed', colour: 'bad', value: ({ failed }) => failed },
            { label: 'Held', colour: 'warn', value: ({ held }) => held },
            { label: 'Skipped', colour: 'idle', value: ({ skipped }) => skipped },
          ]}
        />
        <Chart
          kind="lines"
          label={`${label}: duration of attempts, median and 95th percentile`}
          rows={stats.buckets}
          at={({ from }) => from}
          format={formatMs}
          series={[
            { label: '95 % within', colour: 'warn', value: ({ p95Ms }) => p95Ms },
            { label: 'Median duration', colour: 'accent', value: ({ p50Ms }) => p50Ms },
          ]}
        />
      </div>
      {stats.countedUntil && (
        <p className={styles.note}>
          Attempts without tests, counted up to <Time at={stats.countedUntil} />.
        </p>
      )}
    </Card>
  );
}

const number = new Intl.NumberFormat();
const format = (value: number): string => number.format(value);

const COLUMNS: Column<RecentDelivery>[] = [
  {
    head: 'About',
    cell: ({ id, nodeLabel, nodeId }) => (
      <Link to="/deliveries/$id" params={{ id }} className={rowLinkClass}>
        {nodeLabel ?? cutId(nodeId)}
      </Link>
    ),
  },
  { head: 'State', isPlain: true, cell: ({ state }) => <DeliveryBadge state={state} /> },
  { head: 'Created', isPlain: true, cell: ({ createdAt }) => <Time at={createdAt} style="ago" /> },
  { head: 'Attempts', align: 'right', isMinor: true, cell: ({ attemptCount }) => attemptCount },
  { head: 'Result', isPlain: true, cell: (delivery) => <Result delivery={delivery} /> },
];

function Recent({ id }: { id: string }) {
  const query = useApi(RECENT, { id }, { poll: LIVE_MS });
  return (
    <Section
      title="Recent deliveries"
      actions={
        <Link to="/webhooks/$webhookId/deliveries" params={{ webhookId: id }}>
          All deliveries
        </Link>
      }
    >
      <Loaded query={query} what="the deliveries">
        {({ webhookDeliveries: { nodes } }) =>
          nodes.length === 0 ? (
            <Empty
              title="Nothing was sent yet"
              action={
                <Link to="/events" search={{ webhook: id }} className={buttonClass()}>
                  Why did nothing come?
                </Link>
              }
            >
              <p>A delivery appears here a moment after something of this topic changes. “Send a test” sends one now.</p>
            </Empty>
          ) : (
            <Table label="Recent deliveries" columns={COLUMNS} rows={nodes} rowKey={(delivery) => delivery.id} />
          )
        }
      </Loaded>
    </Section>
  );
}

function Result({ delivery: { lastAttempt, reason, nextAttemptAt } }: { delivery: RecentDelivery }) {
  const parts = [
    lastAttempt?.message?.replace(/\.$/, '') ??
      (reason && (REASON_TEXTS[reason] ?? reason)) ??
      (lastAttempt?.response && String(lastAttempt.response.status)),
    lastAttempt && formatMs(lastAttempt.durationMs),
  ].filter(Boolean);
  return (
    <span className={styles.result}>
      {parts.join(' · ')}
      {nextAttemptAt && (
        <>
          {' '}
          (<Due at={nextAttemptAt} />)
        </>
      )}
    </span>
  );
}
