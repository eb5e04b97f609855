// Queues items fairly: `next` alternates between tenants, and for each tenant between its keys (subscriptions).

export interface ReadyQueue<T> {
  readonly size: number;
  add(tenant: string, key: string, item: T): void;
  next(): T | undefined;
  remove(tenant: string, key: string, item: T): void;
}

export function createReadyQueue<T>(): ReadyQueue<T> {
  const tenants = new Map<string, Map<string, T[]>>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(tenant, key, item) {
      const keys = entry(tenants, tenant, () => new Map<string, T[]>());
      entry(keys, key, () => [] as T[]).push(item);
      size++;
    },
    next() {
      for (const [tenant, keys] of tenants) {
        for (const [key, items] of keys) {
          const item = items.shift();
          // Moves this tenant, and this key within the tenant, to the end, so that all others are served first.
          keys.delete(key);
          if (items.length > 0) keys.set(key, items);
          tenants.delete(tenant);
          if (keys.size > 0) tenants.set(tenant, keys);
          size--;
          return item;
        }
      }
      return undefined;
    },
    remove(tenant, key, item) {
      const keys = tenants.get(tenant);
      const items = keys?.get(key);
      const at = items?.indexOf(item) ?? -1;
      if (!keys || !items || at < 0) return;
      items.splice(at, 1);
      size--;
      if (items.length === 0) keys.delete(key);
      if (keys.size === 0) tenants.delete(tenant);
    },
  };
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
