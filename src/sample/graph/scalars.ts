// A builder in, our scalars on it out.
import { GraphQLError, Kind, type ValueNode } from 'graphql';
import type { Json } from '../../webhooks/index.js';
import type { Builder } from './schema-types.js';

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    description: 'A moment in ISO 8601, e.g. `2026-11-22T18:30:00.000Z`; without a zone it is UTC.',
    serialize: (value) => value.toISOString(),
    parseValue: parseDateTime,
  });
  builder.scalarType('JSON', {
    description: 'Any JSON value.',
    serialize: (value) => value,
    parseValue: (value) => value as Json,
    parseLiteral: (node, variables) => literalToJson(node, variables ?? {}),
  });
  builder.scalarType('BigInt', {
    description: 'A whole number of up to 64 bits, as text.',
    serialize: (value) => String(value),
    parseValue: parseBigInt,
  });
  builder.scalarType('Alphanumeric', {
    description: 'A string or a number.',
    serialize: (value) => value,
    parseValue: (value) => {
      if (typeof value === 'string' || typeof value === 'number') return value;
      throw new GraphQLError(`Alphanumeric can't be ${JSON.stringify(value)}: it is a string or a number.`);
    },
  });
}

function parseDateTime(value: unknown): Date {
  const text = String(value);
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`;
  const date = new Date(zoned);
  if (ISO_8601.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new GraphQLError(`DateTime can't be ${JSON.stringify(value)}: write it like 2026-11-22T18:30:00Z.`);
}

function parseBigInt(value: unknown): bigint {
  const text = String(value);
  if (/^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text);
  throw new GraphQLError(`BigInt can't be ${JSON.stringify(value)}: it is a whole number of up to 64 bits.`);
}

function literalToJson(node: ValueNode, variables: Record<string, unknown>): Json {
  switch (node.kind) {
    case Kind.VARIABLE:
      return (variables[node.name.value] ?? null) as Json;
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.LIST:
      return node.values.map((value) => literalToJson(value, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, literalToJson(value, variables)]));
    default:
      return node.value;
  }
}
