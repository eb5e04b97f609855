// A builder in, our scalars on it out.
import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { ExactNumber, toExact } from '../../runtime/exact-json.mjs';
import { isInfinite, isoOf, readMoment } from '../../runtime/moments.js';
import { UnsayableValue } from '../../sources/prisma/told-value.js';
import type { Json } from '../../webhooks/index.js';
import type { Builder } from './schema-types.js';

/** With the expanded years of `isoOf`. */
const ISO_8601 = /^(?:\d{4}|[+-]\d{6})-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    description:
      'A moment in ISO 8601, e.g. `2026-11-22T18:30:00.000Z`; without a zone it is UTC. Before the year 0 and after 9999 the year has a sign and six digits: `+290000-01-01T00:00:00.000Z`.',
    serialize: (value) => {
      if (isInfinite(value)) throw new UnsayableValue(`A DateTime cannot say ${isoOf(value)}.`);
      return isoOf(value);
    },
    parseValue: parseDateTime,
  });
  builder.scalarType('JSON', {
    description: 'Any JSON value. Numbers keep all of their digits, so read it with a parser that does, too.',
    serialize: (value) => value,
    parseValue: (value) => value as Json,
    parseLiteral: (node, variables) => literalToJson(node, variables ?? {}),
  });
  builder.scalarType('BigInt', {
    description: 'A whole number of up to 64 bits, as text.',
    serialize: (value) => String(value),
    parseValue: parseBigInt,
    parseLiteral: (node) => parseBigInt(valueOfLiteral(node)),
  });
  builder.scalarType('Alphanumeric', {
    description: 'A string or a number.',
    serialize: (value) => value,
    parseValue: parseAlphanumeric,
    parseLiteral: (node) => parseAlphanumeric(valueOfLiteral(node)),
  });
}

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
  throw new GraphQLError(`DateTime can't be ${JSON.stringify(value)}: write it like 2026-11-22T18:30:00Z.`);
}

function parseAlphanumeric(value: unknown): string | number | ExactNumber {
  if (typeof value === 'string' || typeof value === 'number' || value instanceof ExactNumber) return value;
  throw new GraphQLError(`Alphanumeric can't be ${JSON.stringify(value)}: it is a string or a number.`);
}

function parseBigInt(value: unknown): bigint {
  const text = String(value);
  if (/^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text);
  throw new GraphQLError(`BigInt can't be ${JSON.stringify(value)}: it is a whole number of up to 64 bits.`);
}

/** Digits as they are written; of what is no number or string its text is told. */
function valueOfLiteral(node: ValueNode): unknown {
  return literalToJson(node, {});
}

function literalToJson(node: ValueNode, variables: Record<string, unknown>): Json {
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
