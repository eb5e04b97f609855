// Lists events by conditions computed for each event: who wrote, and what subscriptions decided. Reads some pages, and keeps what matches.
import type { Engine } from '../base/engine.js';
import type { Json, Owner } from '../base/model.js';
import type { VisibleEvent } from '../base/store/deliveries.js';
import { type EventFilter, listEvents } from '../base/store/events.js';
import type { Page, PartOfRows } from '../base/store/page.js';

/** Number of events that are read at once. */
const BATCH = 100;
/** Maximum number of batches that are read for one page. After that, the page is short, and the next page continues from there. */
const MOST_BATCHES = 10;

/** Returns for each event whether it belongs to the list, with few statements for all events. */
export type Matching = (events: VisibleEvent[]) => Promise<boolean[]>;

export async function listMatchingEvents(
  { pool }: Pick<Engine, 'pool'>,
  owner: Owner,
  { filter, matching, page }: { filter: EventFilter; matching: Matching; page: Page },
  mostBatches = MOST_BATCHES,
): Promise<PartOfRows<VisibleEvent>> {
  const found: VisibleEvent[] = [];
  let { after, before } = page;
  let more = true;
  let readUpTo: string | null = null;
  for (let batch = 0; batch < mostBatches && more && found.length <= page.limit; batch++) {
    const part = await listEvents(pool, owner, filter, { ...page, limit: BATCH, after, before });
    const rows = page.backward ? [...part.rows].reverse() : part.rows;
    const isMatching = await matching(rows);
    found.push(...rows.filter((_, index) => isMatching[index]));
    more = page.backward ? part.hasPreviousPage : part.hasNextPage;
    readUpTo = part.readUpTo ?? rows.at(-1)?.id ?? readUpTo;
    if (page.backward) before = readUpTo;
    else after = readUpTo;
  }
  const isFull = found.length > page.limit;
  const rows = found.slice(0, page.limit);
  if (page.backward) rows.reverse();
  const goesOn = isFull || more;
  return {
    rows,
    hasNextPage: page.backward ? page.before !== null : goesOn,
    hasPreviousPage: page.backward ? goesOn : page.after !== null,
    readUpTo: goesOn && !isFull ? readUpTo : null,
  };
}

/**
 * Whether an actor has all properties of the wanted one, at any depth. Values are compared as texts, so that `7` finds `"7"`: on a command
 * line, the two look the same.
 */
export function isActor(actor: Json, wanted: Json): boolean {
  if (actor === null || wanted === null) return actor === wanted;
  if (!isObject(wanted) || !isObject(actor)) return JSON.stringify(actor) === JSON.stringify(wanted) || String(actor) === String(wanted);
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(actor, name) && isActor(actor[name] as Json, value));
}

const isObject = (value: Json): value is { [name: string]: Json } =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
