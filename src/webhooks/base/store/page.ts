// Translates the arguments of a GraphQL connection to a keyset page, and cuts the rows read for it.
import { WebhooksError } from '../errors.js';

export interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

export interface Page {
  limit: number;
  /** Whether the page is read from the end of the list, because `last` is given. */
  backward: boolean;
  after: string | null;
  before: string | null;
}

export interface Rows<T> {
  rows: T[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** A page that may end early, before it is full. */
export interface PartOfRows<T> extends Rows<T> {
  /** The position up to which rows were searched, for the cursor of the next page; `null` when the page is full or no rows are left. */
  readUpTo: string | null;
}

/** The maximum (`greatest`) and the default (`usual`) number of rows of a page. */
export const PAGE = { greatest: 100, usual: 25 };

/**
 * Checks the arguments and converts them to a page. A cursor is the key of a row in base64url, which clients don't interpret.
 * @throws WebhooksError PAGE_INVALID for a size out of range, for both `first` and `last`, or for an invalid cursor
 */
export function toPage(given: PageArguments): Page {
  const { first, last } = given;
  if (first != null && last != null)
    throw new WebhooksError('PAGE_INVALID', 'The arguments "first" and "last" are both given.', 'Give only one of them.');
  const [name, limit] = last != null ? ['last', last] : ['first', first ?? PAGE.usual];
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE.greatest)
    throw new WebhooksError('PAGE_INVALID', `The argument "${name}" is ${limit}.`, `Give a number from 1 to ${PAGE.greatest}.`);
  return { limit, backward: last != null, after: readCursor('after', given.after), before: readCursor('before', given.before) };
}

export function toCursor(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

function readCursor(name: string, cursor: string | null | undefined): string | null {
  if (cursor == null) return null;
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  // Cursors only ever contain numbers, times and uuids.
  if (!/^[0-9a-fA-F.:TZ/_-]{1,100}$/.test(key))
    throw new WebhooksError('PAGE_INVALID', `The argument "${name}" is not a cursor of this list.`);
  return key;
}

/**
 * Makes a page of the rows that were read: up to `limit + 1` rows, in reading direction. The extra row is cut off; it shows that there are
 * more.
 */
export function cutPage<T>(found: T[], page: Page): Rows<T> {
  const more = found.length > page.limit;
  const rows = found.slice(0, page.limit);
  if (page.backward) rows.reverse();
  return {
    rows,
    hasNextPage: page.backward ? page.before !== null : more,
    hasPreviousPage: page.backward ? more : page.after !== null,
  };
}

/** Whether this text can be compared with a uuid column. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

/** The greatest id that a column of the type bigint can hold, for statements. */
export const GREATEST_ID = '9223372036854775807';

/** Whether this text can be compared with the id of an event, a delivery or an attempt. */
export function isBigId(text: string): boolean {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) < 2n ** 63n;
}
