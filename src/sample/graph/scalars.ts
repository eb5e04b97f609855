// Adds the scalars of the sample's GraphQL schema, such as DateTime and JSON, to the builder.
import { GraphQLError, type ValueNode } from 'graphql';
import { DATE_TIME, ExactNumber, JSON_VALUE, literalToJson, TAKES_DIGITS } from '../../index.js';
import type { Builder } from './schema-types.js';

export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', DATE_TIME);
  builder.scalarType('JSON', JSON_VALUE);
  builder.scalarType('BigInt', {
    description: 'A whole number of up to 64 bits, as text.',
    serialize: (value) => String(value),
    parseValue: parseBigInt,
    parseLiteral: (node) => parseBigInt(valueOfLiteral(node)),
    extensions: { [TAKES_DIGITS]: true },
  });
  builder.scalarType('Alphanumeric', {
    description: 'A string or a number.',
    serialize: (value) => value,
    parseValue: parseAlphanumeric,
    parseLiteral: (node) => parseAlphanumeric(valueOfLiteral(node)),
    extensions: { [TAKES_DIGITS]: true },
  });
}

function parseAlphanumeric(value: unknown): string | number | ExactNumber {
  if (typeof value === 'string' || typeof value === 'number' || value instanceof ExactNumber) return value;
  throw new GraphQLError(`Alphanumeric can't be ${JSON.stringify(value)}: give a string or a number.`);
}

function parseBigInt(value: unknown): bigint {
  const text = String(value);
  if (/^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text);
  throw new GraphQLError(`BigInt can't be ${JSON.stringify(value)}: give a whole number of up to 64 bits.`);
}

/** Returns the value of a literal in the text of a query. Keeps all digits of a number. */
function valueOfLiteral(node: ValueNode): unknown {
  return literalToJson(node, {});
}
