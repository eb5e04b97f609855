// Creates the data loaders of a request. A loader reads all objects that concurrent resolvers need by one SQL statement.
import DataLoader from 'dataloader';
import {
  type Actor,
  type Attempt,
  type AttemptSummary,
  type AuditEntry,
  type AuditFilter,
  attemptsByIds,
  attemptsOf,
  type BulkAction,
  bulkActionsByIds,
  countAuditOf,
  countDeliveriesOf,
  countErrorsOf,
  countedUntil,
  countMissedOf,
  countOfIntegrations,
  type Decision,
  type Delivery,
  type DeliveryError,
  type DeliveryFilter,
  decisionsOf,
  deliveriesAfter,
  deliveriesByIds,
  durationsOf,
  type Engine,
  type ErrorFilter,
  errorsByIds,
  eventContents,
  eventsByIds,
  examplePayload,
  type Json,
  lastAttemptsOf,
  listAuditOf,
  listDeliveriesOf,
  listErrorsOf,
  type MissedEvents,
  type Neighbour,
  type NumberedDeliveries,
  neighboursOf,
  observedBodies,
  type Page,
  type Period,
  type ReadableEvent,
  type Replay,
  type Rows,
  readableRows,
  replaysByIds,
  type StatsBucket,
  type Subscription,
  type SubscriptionFilter,
  type SubscriptionVersion,
  statsOf,
  subscriptionsByIds,
  subscriptionsOfIntegrations,
  type Topic,
  topicsByIds,
  type UnreadUpdates,
  unreadUpdatesOf,
  type VisibleEvent,
  versionsOf,
} from '../webhooks/index.js';

export interface PageAsked<Filter> {
  filter: Filter;
  page: Page;
}

export interface Loaders {
  topic: DataLoader<string, Topic | null>;
  subscription: DataLoader<string, Subscription | null>;
  /** Loads the JSON bodies that a subscription sent last with its current version. */
  observedBodies: DataLoader<string, Json[]>;
  /** Loads the events that a subscription missed since it was last disabled; `null` when it missed none. */
  missedOf: DataLoader<string, MissedEvents | null>;
  /** Loads how many of a subscription's last updates touched nothing that it reads; `null` when that is unknown. */
  unreadUpdatesOf: DataLoader<string, UnreadUpdates | null>;
  delivery: DataLoader<string, Delivery | null>;
  attempt: DataLoader<string, Attempt | null>;
  event: DataLoader<string, VisibleEvent | null>;
  /** Loads what an event recorded, with the fields that the signed-in user may read. */
  eventContent: DataLoader<string, ReadableEvent | null>;
  /** Loads what became of an event for each of the user's subscriptions. */
  decisionsOf: DataLoader<string, Decision[]>;
  error: DataLoader<string, DeliveryError | null>;
  replay: DataLoader<string, Replay | null>;
  bulkAction: DataLoader<string, BulkAction | null>;
  attemptsOf: DataLoader<string, AttemptSummary[]>;
  lastAttemptOf: DataLoader<string, AttemptSummary | null>;
  /** Loads the delivery that a delivery of an ordered subscription waits for, or that replaced it. */
  neighbourOf: DataLoader<Delivery, Neighbour | null, string>;
  /** Loads a page of deliveries for a subscription id. Subscriptions with the same filter and page share one statement. */
  deliveriesOf(asked: PageAsked<DeliveryFilter>): DataLoader<string, Rows<Delivery>>;
  deliveryCountOf(filter: DeliveryFilter): DataLoader<string, number>;
  /** Loads the notifications of a subscription id after a number. */
  deliveriesAfter(asked: { after: string; limit: number }): DataLoader<string, NumberedDeliveries>;
  /** Loads the statistics of a subscription id, in the buckets of a period. */
  statsOf(period: Period): DataLoader<string, StatsBucket[]>;
  durationsOf(period: Period): DataLoader<string, Map<number, number[]>>;
  /** Returns the time up to which attempts are included in the statistics; `null` before any are. */
  countedUntil(): Promise<Date | null>;
  errorsOf(asked: PageAsked<ErrorFilter>): DataLoader<string, Rows<DeliveryError>>;
  errorCountOf(filter: ErrorFilter): DataLoader<string, number>;
  /** Loads the example of a topic. Topics with the same nodes share one look-up. */
  example: DataLoader<Topic, unknown, string>;
  versionsOf(asked: { count: number; before: number | null }): DataLoader<string, SubscriptionVersion[]>;
  auditOf(asked: PageAsked<AuditFilter>): DataLoader<string, Rows<AuditEntry>>;
  auditCountOf(filter: AuditFilter): DataLoader<string, number>;
  /** Loads a page of subscriptions for the key of their integration. */
  subscriptionsOf(asked: PageAsked<SubscriptionFilter>): DataLoader<string, Rows<Subscription>>;
  subscriptionCountOf(filter: SubscriptionFilter): DataLoader<string, number>;
}

export function createLoaders(engine: Engine, actor: Actor): Loaders {
  const { pool } = engine;
  return {
    topic: byId((ids) => topicsByIds(pool, ids)),
    subscription: byId((ids) => subscriptionsByIds(pool, actor, ids)),
    observedBodies: byKey(
      (ids) => observedBodies(pool, actor, ids),
      () => [],
    ),
    missedOf: byId((ids) => countMissedOf(pool, actor, ids)),
    unreadUpdatesOf: byId((ids) => unreadUpdatesOf(engine, actor, ids)),
    delivery: byId((ids) => deliveriesByIds(pool, actor, ids)),
    attempt: byId((ids) => attemptsByIds(pool, actor, ids)),
    event: byId((ids) => eventsByIds(pool, actor, ids)),
    eventContent: byId(async (ids) => {
      const found = [...(await eventContents(pool, actor, ids))];
      const rows = await readableRows(
        engine,
        actor,
        found.map(([, event]) => event),
      );
      return new Map(found.map(([id], index) => [id, rows[index] as ReadableEvent]));
    }),
    decisionsOf: byKey(
      (ids) => decisionsOf(engine, actor, ids),
      () => [],
    ),
    error: byId((ids) => errorsByIds(pool, actor, ids)),
    replay: byId((ids) => replaysByIds(pool, actor, ids)),
    bulkAction: byId((ids) => bulkActionsByIds(pool, actor, ids)),
    attemptsOf: byKey(
      (ids) => attemptsOf(pool, actor, ids),
      () => [],
    ),
    lastAttemptOf: byId((ids) => lastAttemptsOf(pool, actor, ids)),
    neighbourOf: new DataLoader(
      async (deliveries) => {
        const found = await neighboursOf(pool, deliveries);
        return deliveries.map(({ id }) => found.get(id) ?? null);
      },
      { cacheKeyFn: ({ id }) => id },
    ),
    deliveriesOf: byArguments(({ filter, page }) => byKey((ids) => listDeliveriesOf(pool, actor, ids, filter, page), noRows)),
    deliveryCountOf: byArguments((filter) => byKey((ids) => countDeliveriesOf(pool, actor, ids, filter), none)),
    deliveriesAfter: byArguments((asked) =>
      byKey(
        (ids) => deliveriesAfter(engine, actor, ids, asked),
        () => ({ rows: [], last: '0', first: null, hasMore: false }),
      ),
    ),
    statsOf: byArguments((period) =>
      byKey(
        (ids) => statsOf(pool, actor, ids, period),
        () => [],
      ),
    ),
    durationsOf: byArguments((period) =>
      byKey(
        (ids) => durationsOf(pool, actor, ids, period),
        () => new Map(),
      ),
    ),
    countedUntil: once(() => countedUntil(pool)),
    errorsOf: byArguments(({ filter, page }) => byKey((ids) => listErrorsOf(pool, actor, ids, filter, page), noRows)),
    errorCountOf: byArguments((filter) => byKey((ids) => countErrorsOf(pool, actor, ids, filter), none)),
    example: new DataLoader((topics) => Promise.all(topics.map((topic) => examplePayload(engine, actor, topic))), {
      cacheKeyFn: ({ typename, operation }) => `${typename} ${operation === 'deleted'}`,
    }),
    versionsOf: byArguments((asked) =>
      byKey(
        (ids) => versionsOf(pool, actor, ids, asked),
        () => [],
      ),
    ),
    auditOf: byArguments(({ filter, page }) => byKey((ids) => listAuditOf(pool, actor, ids, filter, page), noRows)),
    auditCountOf: byArguments((filter) => byKey((ids) => countAuditOf(pool, actor, ids, filter), none)),
    subscriptionsOf: byArguments(({ filter, page }) => byKey((ids) => subscriptionsOfIntegrations(pool, actor, ids, filter, page), noRows)),
    subscriptionCountOf: byArguments((filter) => byKey((ids) => countOfIntegrations(pool, actor, ids, filter), none)),
  };
}

const noRows = () => ({ rows: [], hasNextPage: false, hasPreviousPage: false });
const none = () => 0;

/** Returns a function that makes one loader for each distinct argument (a filter and a page), so that equal arguments share a batch. */
function byArguments<Asked, Loader>(make: (asked: Asked) => Loader): (asked: Asked) => Loader {
  const known = new Map<string, Loader>();
  return (asked) => {
    const key = JSON.stringify(asked);
    const loader = known.get(key) ?? make(asked);
    known.set(key, loader);
    return loader;
  };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => (reading ??= read());
}

function byId<T>(read: (ids: readonly string[]) => Promise<Map<string, T>>): DataLoader<string, T | null> {
  return byKey<T | null>(read, () => null);
}

function byKey<T>(read: (keys: readonly string[]) => Promise<Map<string, T>>, absent: () => T): DataLoader<string, T> {
  return new DataLoader(async (keys) => {
    const found = await read(keys);
    return keys.map((key) => found.get(key) ?? absent());
  });
}
