// What a client asked of a connection -> a keyset page: limit, direction, bounds; rows -> the page's rows and what lies around them.
import { WebhooksError } from '../errors.js';

export interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

export interface Page {
  limit: number;
  /** Read from the end. */
  backward: boolean;
  after: string | null;
  before: string | null;
}

export interface Rows<T> {
  rows: T[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

/** The greatest page of a connection, and the page of who doesn't say. */
export const PAGE = { greatest: 100, usual: 25 };

/** Throws WebhooksError PAGE_INVALID. A cursor is the key of a row, opaque to clients. */
export function toPage(asked: PageArguments): Page {
  const { first, last } = asked;
  if (first != null && last != null)
    throw new WebhooksError('PAGE_INVALID', 'Both "first" and "last" are given.', 'Give the one or the other.');
  const [name, limit] = last != null ? ['last', last] : ['first', first ?? PAGE.usual];
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE.greatest)
    throw new WebhooksError('PAGE_INVALID', `"${name}" is ${limit}.`, `It goes from 1 to ${PAGE.greatest}.`);
  return { limit, backward: last != null, after: readCursor('after', asked.after), before: readCursor('before', asked.before) };
}

export function toCursor(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

function readCursor(name: string, cursor: string | null | undefined): string | null {
  if (cursor == null) return null;
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  // Numbers, times and uuids: nothing else was ever given out.
  if (!/^[0-9a-fA-F.:TZ/_-]{1,100}$/.test(key)) throw new WebhooksError('PAGE_INVALID', `"${name}" is no cursor of this list.`);
  return key;
}

/** `found`: up to `limit + 1` rows in the direction of reading. */
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

/** Whether this text can be compared with the id of an event, a delivery or an attempt. */
export function isBigId(text: string): boolean {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) < 2n ** 63n;
}
