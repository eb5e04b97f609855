// Remembers the filters of each list in this browser, so that the navigation leads back to the list as it was.
import { useSyncExternalStore } from 'react';
import { NAVIGATION } from './navigation';

type Filters = Readonly<Record<string, unknown>>;

const KEY = 'hookgraph-filters';
const LISTS = new Set(NAVIGATION.flat().map(({ to }) => to));
const listeners = new Set<() => void>();
let all: Readonly<Record<string, Filters>> = read();

function read(): Record<string, Filters> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}');
  } catch {
    // A browser may refuse to store anything.
    return {};
  }
}

function set(next: typeof all): void {
  all = next;
  try {
    if (Object.keys(next).length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // The filters are then remembered only until the page is left.
  }
  for (const listener of listeners) listener();
}

/** Remembers the search parameters of a list, except the cursor `after`. Does nothing if `path` isn't a list in the navigation. */
export function remember(path: string, { after: _, ...search }: Filters): void {
  if (!LISTS.has(path)) return;
  const filters = Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
  const { [path]: before = {}, ...others } = all;
  if (JSON.stringify(filters) === JSON.stringify(before)) return;
  set(Object.keys(filters).length === 0 ? others : { ...others, [path]: filters });
}

/** Forgets all filters: they contain ids and words that the next user of this browser must not see. */
export const forgetFilters = (): void => set({});

/** Returns the filters of a list, by its path. */
export function useRemembered(): (path: string) => never {
  const filters = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
  );
  // The type of search parameters depends on a path that is known only at run time.
  return (path) => (filters[path] ?? {}) as never;
}
