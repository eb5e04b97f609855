// Converts a row's value to its GraphQL value, or throws an error that names field and value.
import { parseJson, readMarked } from '../../runtime/exact-json.mjs';
import { isInfinite, isoOf } from '../../runtime/postgres-times.js';
import { UnrepresentableValue } from '../../runtime/unrepresentable-value.js';
import type { Field } from './datamodel.js';

/**
 * Whether the field's type has values that GraphQL can't represent: infinite timestamps, infinities and NaN. Fields of
 * such a type are nullable, so that one such value can't make a whole list null.
 */
export const isSometimesUnsayable = ({ type }: Field): boolean => type === 'DateTime' || type === 'Float';

/** Converts a field's value, or each item of a list field. @throws UnrepresentableValue for a value that GraphQL can't represent */
export function toGraphqlValue(field: Field, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  return field.isList && Array.isArray(value) ? value.map((item) => graphqlItem(field, item)) : graphqlItem(field, value);
}

function graphqlItem({ name, type }: Field, value: unknown): unknown {
  switch (type) {
    case 'Decimal':
      // toFixed of Prisma's Decimal never writes an exponent, unlike String().
      return (value as { toFixed(): string }).toFixed();
    case 'Bytes':
      return Buffer.from(value as Uint8Array).toString('base64');
    case 'Json': {
      const text = readMarked(value);
      return text === null ? value : parseJson(text);
    }
    case 'DateTime':
      if (isInfinite(value as Date))
        throw new UnrepresentableValue(`${name} is ${isoOf(value as Date)}, which a DateTime cannot represent.`);
      return value;
    case 'Float':
      if (!Number.isFinite(value)) throw new UnrepresentableValue(`${name} is ${value}, which a Float cannot represent.`);
      return value;
    default:
      return value;
  }
}
