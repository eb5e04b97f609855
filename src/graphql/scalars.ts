// Defines the scalars DateTime and JSON, for Hookgraph's own schema and for hosts that reuse them.
import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { toExact } from '../runtime/exact-json.mjs';
import { isInfinite, isoOf, readMoment } from '../runtime/postgres-times.js';
import { UnrepresentableValue } from '../runtime/unrepresentable-value.js';
import type { Json } from '../webhooks/index.js';

/**
 * Name of an extension of scalars. A scalar with this extension accepts numbers as ExactNumber, with all digits; other scalars get a
 * double (http/exact-requests.ts).
 */
export const TAKES_DIGITS = 'hookgraphTakesDigits';

export const DATE_TIME = {
  description:
    'A date and time in ISO 8601, e.g. `2026-11-22T18:30:00.000Z`; without a time zone, UTC. Before the year 0 and after 9999 the year has a sign and six digits: `+290000-01-01T00:00:00.000Z`.',
  serialize: (value: Date): string => {
    if (isInfinite(value)) throw new UnrepresentableValue(`A DateTime cannot represent ${isoOf(value)}.`);
    return isoOf(value);
  },
  parseValue: parseDateTime,
};

export const JSON_VALUE = {
  description: 'Any JSON value. Numbers keep all their digits, so parse the response with a parser that keeps them.',
  serialize: (value: Json): Json => value,
  parseValue: (value: unknown): Json => value as Json,
  parseLiteral: (node: ValueNode, variables?: Record<string, unknown> | null): Json => literalToJson(node, variables ?? {}),
  extensions: { [TAKES_DIGITS]: true },
};

/** Matches ISO 8601, including the expanded years that `isoOf` writes. */
const ISO_8601 = /^(?:\d{4}|[+-]\d{6})-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const LAST_YEAR = 294_276;
const FIRST_YEAR = -4_712;

function parseDateTime(value: unknown): Date {
  const text = String(value);
  const year = Number.parseInt(text, 10);
  if (ISO_8601.test(text) && year <= LAST_YEAR && year >= FIRST_YEAR) {
    const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`;
    const date = /^[+-]/.test(text) ? readMoment(zoned.replace(/(T\d{2}:\d{2})(?!:)/, '$1:00')) : new Date(zoned);
    if (!Number.isNaN(date.getTime())) return date;
  }
  throw new GraphQLError(`DateTime can't be ${JSON.stringify(value)}: write a time like 2026-11-22T18:30:00Z.`);
}

export function literalToJson(node: ValueNode, variables: Record<string, unknown>): Json {
  switch (node.kind) {
    case Kind.VARIABLE:
      return (variables[node.name.value] ?? null) as Json;
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return toExact(node.value) as Json;
    case Kind.LIST:
      return node.values.map((value) => literalToJson(value, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, literalToJson(value, variables)]));
    default:
      return node.value;
  }
}
