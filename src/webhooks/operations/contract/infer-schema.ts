// Infers a JSON Schema from values that follow it. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../base/model.js';
import type { JsonSchema } from '../payload-schema.js';

/**
 * Returns the schema that all values follow; without values `{}`, which allows any value. A property that some objects lack is optional.
 */
export function inferSchema(values: readonly Json[]): JsonSchema {
  const kinds = new Map<string, Json[]>();
  for (const value of values) kinds.set(kindOf(value), [...(kinds.get(kindOf(value)) ?? []), value]);
  // If some numbers are whole and others are not, the type is `number`.
  const [whole, fractions] = [kinds.get('integer'), kinds.get('number')];
  if (whole && fractions) {
    kinds.delete('integer');
    kinds.set('number', [...whole, ...fractions]);
  }
  const schemas = [...kinds].map(([type, ofType]) => schemaOf(type, ofType));
  if (schemas.length <= 1) return schemas[0] ?? {};
  if (schemas.length === 2 && kinds.has('null')) {
    const other = schemas.find(({ type }) => type !== 'null') as JsonSchema;
    return { ...other, type: [other.type, 'null'] };
  }
  return { anyOf: schemas };
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
}

function schemaOf(type: string, values: Json[]): JsonSchema {
  if (type === 'array') return { type, items: inferSchema((values as Json[][]).flat()) };
  if (type !== 'object') return { type };
  const objects = values as Record<string, Json>[];
  const names = [...new Set(objects.flatMap(Object.keys))];
  const valuesOf = (name: string) => objects.filter((one) => Object.hasOwn(one, name)).map((one) => one[name] as Json);
  const properties = Object.fromEntries(names.map((name) => [name, inferSchema(valuesOf(name))]));
  return { type, properties, required: names.filter((name) => valuesOf(name).length === objects.length) };
}

export const isSameSchema = (one: JsonSchema, other: JsonSchema): boolean => isDeepStrictEqual(one, other);
