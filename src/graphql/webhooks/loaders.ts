// A request's context -> loaders that read the engine's rows in sets, whatever the number of objects that ask.
import DataLoader from 'dataloader';
import {
  type Actor,
  type Attempt,
  attemptsByIds,
  attemptsOf,
  countDeliveriesOf,
  type Delivery,
  type DeliveryFilter,
  deliveriesByIds,
  type Engine,
  eventsByIds,
  listDeliveriesOf,
  type Page,
  type Rows,
  type Subscription,
  subscriptionsByIds,
  type Topic,
  topicsByIds,
  type VisibleEvent,
} from '../../webhooks/index.js';

export interface DeliveriesAsked {
  filter: DeliveryFilter;
  page: Page;
}

export interface Loaders {
  topic: DataLoader<string, Topic | null>;
  subscription: DataLoader<string, Subscription | null>;
  delivery: DataLoader<string, Delivery | null>;
  attempt: DataLoader<string, Attempt | null>;
  event: DataLoader<string, VisibleEvent | null>;
  attemptsOf: DataLoader<string, Attempt[]>;
  /** The same arguments for many subscriptions are one statement. */
  deliveriesOf(asked: DeliveriesAsked): DataLoader<string, Rows<Delivery>>;
  deliveryCountOf(filter: DeliveryFilter): DataLoader<string, number>;
}

export function createLoaders({ pool }: Engine, actor: Actor): Loaders {
  const byArguments = <T>(make: (asked: T) => unknown) => {
    const known = new Map<string, unknown>();
    return (asked: T) => {
      const key = JSON.stringify(asked);
      if (!known.has(key)) known.set(key, make(asked));
      return known.get(key);
    };
  };
  return {
    topic: byId((ids) => topicsByIds(pool, ids)),
    subscription: byId((ids) => subscriptionsByIds(pool, actor, ids)),
    delivery: byId((ids) => deliveriesByIds(pool, actor, ids)),
    attempt: byId((ids) => attemptsByIds(pool, actor, ids)),
    event: byId((ids) => eventsByIds(pool, actor, ids)),
    attemptsOf: new DataLoader(async (ids) => {
      const found = await attemptsOf(pool, actor, ids);
      return ids.map((id) => found.get(id) ?? []);
    }),
    deliveriesOf: byArguments(
      ({ filter, page }: DeliveriesAsked) =>
        new DataLoader<string, Rows<Delivery>>(async (ids) => {
          const found = await listDeliveriesOf(pool, actor, ids, filter, page);
          return ids.map((id) => found.get(id) ?? { rows: [], hasNextPage: false, hasPreviousPage: false });
        }),
    ) as Loaders['deliveriesOf'],
    deliveryCountOf: byArguments(
      (filter: DeliveryFilter) =>
        new DataLoader<string, number>(async (ids) => {
          const counts = await countDeliveriesOf(pool, actor, ids, filter);
          return ids.map((id) => counts.get(id) ?? 0);
        }),
    ) as Loaders['deliveryCountOf'],
  };
}

function byId<T>(read: (ids: readonly string[]) => Promise<Map<string, T>>): DataLoader<string, T | null> {
  return new DataLoader(async (ids) => {
    const found = await read(ids);
    return ids.map((id) => found.get(id) ?? null);
  });
}
