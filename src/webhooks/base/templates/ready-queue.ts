// Queues items fairly: round-robin by tenant, and within a tenant round-robin by key (subscription).

export interface Turns<T> {
  readonly size: number;
  add(tenant: string, key: string, item: T): void;
  next(): T | undefined;
  remove(tenant: string, key: string, item: T): void;
}

export function createTurns<T>(): Turns<T> {
  const tenants = new Map<string, Map<string, T[]>>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(tenant, key, item) {
      const own = entry(tenants, tenant, () => new Map<string, T[]>());
      entry(own, key, () => [] as T[]).push(item);
      size++;
    },
    next() {
      for (const [tenant, own] of tenants) {
        for (const [key, items] of own) {
          const item = items.shift();
          // The tenant and the key that were served move to the end of the order.
          own.delete(key);
          if (items.length > 0) own.set(key, items);
          tenants.delete(tenant);
          if (own.size > 0) tenants.set(tenant, own);
          size--;
          return item;
        }
      }
      return undefined;
    },
    remove(tenant, key, item) {
      const own = tenants.get(tenant);
      const items = own?.get(key);
      const at = items?.indexOf(item) ?? -1;
      if (!own || !items || at < 0) return;
      items.splice(at, 1);
      size--;
      if (items.length === 0) own.delete(key);
      if (own.size === 0) tenants.delete(tenant);
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
