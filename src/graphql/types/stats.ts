// Adds the GraphQL type WebhookStats and the field `stats` of subscriptions: counts and durations of attempts over time.
import type { ObjectRef } from '@pothos/core';
import { GraphQLError } from 'graphql';
import {
  type Period,
  percentileOf,
  STATS_LIMITS,
  type StatsBucket,
  type Subscription,
  toPeriod,
  WebhooksError,
} from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';

interface Stats {
  subscriptionId: string;
  period: Period;
}

/** The counts of one bucket or of the whole period. `durations` reads the histogram of its durations. */
interface Counted extends StatsBucket {
  durations(): Promise<number[]>;
}

export function addStats(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>): void {
  const bucket = builder.objectRef<Counted>('WebhookStatsBucket').implement({
    description: 'The attempts of an interval of a period.',
    fields: (t) => countFields(t),
  });
  const stats = builder.objectRef<Counted & { buckets: Counted[] }>('WebhookStats').implement({
    description: 'The attempts of a subscription in a period. Tests are not counted.',
    fields: (t) => ({
      ...countFields(t as never),
      buckets: t.field({
        type: [bucket],
        nullable: { list: false, items: false },
        description: 'The intervals of the period, of equal length, oldest first. Intervals without attempts are included.',
        resolve: ({ buckets }) => buckets,
      }),
      countedUntil: t.field({
        type: 'DateTime',
        description: 'The time up to which attempts are counted, usually less than a minute ago; `null` before the first count.',
        resolve: (_stats, _args, ctx) => access(ctx).loaders.countedUntil(),
      }),
    }),
  });
  builder.objectField(subscription, 'stats', (t) =>
    t.field({
      type: stats,
      nullable: false,
      description: `The number and duration of attempts in a period of up to ${STATS_LIMITS.days} days. Attempts are counted in slots of five minutes, so the ends of the period and of its intervals are rounded to such slots.`,
      args: {
        from: t.arg({ type: 'DateTime', description: 'The start of the period. Default: 24 hours before its end.' }),
        to: t.arg({ type: 'DateTime', description: 'The end of the period. Default: now.' }),
        buckets: t.arg.int({
          description: `The maximum number of intervals, from 1 to ${STATS_LIMITS.buckets}. Default: 24.`,
        }),
      },
      resolve: async ({ id }, args, ctx) => readStats(access(ctx), { subscriptionId: id, period: periodOf(args) }),
    }),
  );
}

function countFields(t: PothosSchemaTypes.ObjectFieldBuilder<Types, Counted>) {
  const percentile = (share: number, description: string) =>
    t.float({ description, resolve: async ({ durations }) => percentileOf(await durations(), share) });
  return {
    from: t.expose('from', { type: 'DateTime', nullable: false, description: 'The start, inclusive.' }),
    to: t.expose('to', { type: 'DateTime', nullable: false, description: 'The end, exclusive.' }),
    delivered: t.exposeInt('delivered', { nullable: false, description: 'The number of attempts that the receiver accepted.' }),
    failed: t.exposeInt('failed', { nullable: false, description: 'The number of attempts that failed.' }),
    skipped: t.exposeInt('skipped', {
      nullable: false,
      description: 'The number of attempts that ended because the validation template rendered `false`.',
    }),
    held: t.exposeInt('held', {
      nullable: false,
      description: 'The number of attempts whose query or template failed for the node.',
    }),
    p50Ms: percentile(0.5, 'The median duration of delivered and failed attempts in milliseconds, within 9 %; `null` without attempts.'),
    p95Ms: percentile(
      0.95,
      'The duration in milliseconds, within 9 %, that 95 % of the delivered and failed attempts did not exceed; `null` without attempts.',
    ),
  };
}

function periodOf(asked: Partial<{ [K in keyof Period]: Period[K] | null }>): Period {
  try {
    const { from, to, buckets } = toPeriod(asked);
    return { from, to, buckets };
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError([error.message, error.hint].filter(Boolean).join(' '), { extensions: { code: error.code } });
  }
}

async function readStats({ loaders }: ReturnType<AccessOf>, { subscriptionId, period }: Stats) {
  const counts = await loaders.statsOf(period).load(subscriptionId);
  const histograms = () => loaders.durationsOf(period).load(subscriptionId);
  const buckets: Counted[] = counts.map((one, index) => ({ ...one, durations: async () => (await histograms()).get(index) ?? [] }));
  const sum = (name: 'delivered' | 'failed' | 'skipped' | 'held') => counts.reduce((total, one) => total + one[name], 0);
  return {
    ...period,
    ...{ delivered: sum('delivered'), failed: sum('failed'), skipped: sum('skipped'), held: sum('held') },
    buckets,
    durations: async () => {
      const all = [...(await histograms()).values()];
      return Array.from({ length: Math.max(0, ...all.map(({ length }) => length)) }, (_, item) =>
        all.reduce((total, durations) => total + (durations[item] ?? 0), 0),
      );
    },
  };
}
