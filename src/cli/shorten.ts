// Shortens ids and moments for people on a terminal. Pipes and --json get them whole.
import type { Cell } from './terminal.js';

/** Length of a shortened id. Commands that take a subscription's id accept its beginning. */
export const SHORT_ID_LENGTH = 8;

export const shortId = (id: string | null | undefined): Cell => (id == null ? null : { short: id.slice(0, SHORT_ID_LENGTH), whole: id });

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** Shows a moment relative to now, such as `5 min ago` or `in 2 h`. */
export function relative(moment: string | null | undefined, now = Date.now()): Cell {
  const at = Date.parse(moment ?? '');
  if (moment == null || Number.isNaN(at)) return moment;
  const [unit, unitMs] = UNITS.find(([, ms]) => Math.abs(now - at) >= ms) ?? ['s', 1_000];
  const count = Math.round(Math.abs(now - at) / unitMs);
  return { short: count === 0 ? 'now' : at < now ? `${count} ${unit} ago` : `in ${count} ${unit}`, whole: moment };
}

/** Shows a global id that encodes `Type:key` as type and key, and shortens the key if it is a UUID. Shows any other id whole. */
export function shortNode(id: string | null | undefined): Cell {
  const [, type, key] = /^([A-Za-z_]\w*):([ -~]+)$/.exec(Buffer.from(id ?? '', 'base64url').toString('utf8')) ?? [];
  if (id == null || type === undefined || key === undefined) return id;
  return { short: `${type} ${/^[0-9a-f-]{36}$/i.test(key) ? key.slice(0, SHORT_ID_LENGTH) : key}`, whole: id };
}
