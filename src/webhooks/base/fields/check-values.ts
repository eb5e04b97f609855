// Checks the value of a subscription's field against the limits of its declared type.
import type { Problem } from '../errors.js';
import type { CheckContext, Field, FieldType } from './field.js';

/** Postgres text can't store NUL or an unpaired surrogate. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

export const isStorable = (text: string): boolean => !UNSTORABLE.test(text);

export function tooLong(field: string, length: number, most: number): Problem {
  return { field, message: `has ${length} characters, more than ${most}` };
}

/** Checks a value against the limits of its type. Returns the problems. `path`: the value's path in the input, such as `retry.maxTries`. */
function checkType(type: FieldType, value: unknown, path: string): Problem[] {
  if (value == null) return [];
  switch (type.kind) {
    case 'TEXT':
    case 'SOURCE':
      return checkText(String(value), path, type.kind === 'TEXT' ? type.maxLength : undefined);
    case 'INTEGER':
    case 'NUMBER': {
      const { least, most } = type;
      const isFine = type.kind === 'INTEGER' ? Number.isInteger(value) : Number.isFinite(value);
      return isFine && (value as number) >= least && (value as number) <= most
        ? []
        : [{ field: path, message: `is ${value}; give a number from ${least} to ${most}` }];
    }
    case 'ENUM':
      return Object.hasOwn(type.values, String(value))
        ? []
        : [{ field: path, message: `must be ${Object.keys(type.values).join(' or ')}` }];
    case 'RECORD':
      return type.fields.flatMap((field) => checkType(field.type, (value as Record<string, unknown>)[field.name], `${path}.${field.name}`));
    case 'LIST':
      return (value as unknown[]).flatMap((item) => checkType(type.of, item, path));
    default:
      return [];
  }
}

function checkText(text: string, field: string, maxLength: number | undefined): Problem[] {
  if (!isStorable(text)) return [{ field, message: 'contains the character U+0000 or half of a surrogate pair, which cannot be stored' }];
  return maxLength !== undefined && text.length > maxLength ? [tooLong(field, text.length, maxLength)] : [];
}

/** Returns the problems of a field's value: violated limits of its type or, if there are none, the problems that its `check` finds. */
export async function checkField(field: Field, value: unknown, context: CheckContext): Promise<Problem[]> {
  if (value == null) return [];
  const { type, merge, check } = field;
  // `merge` may return a record or list whose shape differs from the declared type. Only the field's `check` knows that shape.
  const isOwnShape = merge !== undefined && (type.kind === 'RECORD' || type.kind === 'LIST');
  const problems = isOwnShape ? [] : checkType(type, value, field.name);
  if (problems.length > 0) return problems;
  const inner = isOwnShape || type.kind !== 'RECORD' ? [] : type.fields;
  const found = await Promise.all(inner.map((one) => one.check?.((value as Record<string, never>)[one.name] as never, context) ?? []));
  return [...found.flat(), ...((await check?.(value as never, context)) ?? [])];
}
