// Finds what a change of a body's JSON Schema breaks for readers of the body. Pure functions.
import type { JsonSchema } from '../payload-schema.js';
import { isSameSchema } from './infer-schema.js';

/** Returns a sentence for each breaking change: a field that is gone, may be null or absent, or has another type or additional values. */
export function breaksOf(before: JsonSchema, after: JsonSchema, path = ''): string[] {
  const at = path || 'the body';
  const [was, is] = [partsOf(before), partsOf(after)];
  if (was === null || is === null) {
    if (was === null || isSameSchema(before, after)) return [];
    return [after.anyOf ? `${at} may be of several types now` : `${at} may be of any type now`];
  }
  const added = is.types.filter((type) => !was.types.includes(type) && !(type === 'integer' && was.types.includes('number')));
  const breaks: string[] = [];
  if (added.includes('null')) breaks.push(`${at} may be null now`);
  const others = added.filter((type) => type !== 'null');
  if (others.length > 0) breaks.push(`${at} was ${listed(was.types)} and is ${listed(is.types)} now`);
  breaks.push(...valuesOf(before, after, at));
  if (was.types.includes('object') && is.types.includes('object')) breaks.push(...fieldsOf(before, after, path));
  if (was.types.includes('array') && is.types.includes('array'))
    breaks.push(...breaksOf((before.items ?? {}) as JsonSchema, (after.items ?? {}) as JsonSchema, `${path}[]`));
  return breaks;
}

/** The types of a schema; `null` when it allows any value, or is a choice of schemas. */
function partsOf({ type, anyOf }: JsonSchema): { types: string[] } | null {
  return type === undefined || anyOf !== undefined ? null : { types: [type].flat() as string[] };
}

function valuesOf(before: JsonSchema, after: JsonSchema, at: string): string[] {
  if (!Array.isArray(before.enum)) return [];
  if (!Array.isArray(after.enum)) return [`${at} may have any value now`];
  const known = new Set(before.enum);
  const added = after.enum.filter((value) => value !== null && !known.has(value));
  return added.length === 0 ? [] : [`${at} may have new values now: ${added.join(', ')}`];
}

function fieldsOf(before: JsonSchema, after: JsonSchema, path: string): string[] {
  const [had, has] = [before, after].map(({ properties }) => (properties ?? {}) as Record<string, JsonSchema>) as [
    Record<string, JsonSchema>,
    Record<string, JsonSchema>,
  ];
  const isRequired = ({ required }: JsonSchema, name: string) => Array.isArray(required) && required.includes(name);
  return Object.keys(had).flatMap((name) => {
    const at = path ? `${path}.${name}` : name;
    const is = Object.hasOwn(has, name) ? has[name] : undefined;
    if (is === undefined) return [`${at} is no longer there`];
    const isGone = isRequired(before, name) && !isRequired(after, name) ? [`${at} may be absent now`] : [];
    return [...isGone, ...breaksOf(had[name] as JsonSchema, is, at)];
  });
}

const listed = (types: readonly string[]): string => types.filter((type) => type !== 'null').join(' or ');
