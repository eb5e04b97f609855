// Merges the input's value of a field with the saved value, by the type of the field. Splits the result into the part for the definition
// and the part for the encrypted secrets.
import { isDeepStrictEqual } from 'node:util';
import type { Definition, Secrets } from '../definition.js';
import type { Field, FieldType, MergeContext, RecordType, Saved } from './field.js';

type Values = Readonly<Record<string, unknown>>;

/** Returns the value that a field has after a save: from the input, otherwise the saved value or the default; `null` when it has none. */
export function mergeField(field: Field, destinations: readonly string[], context: MergeContext): unknown {
  const { name, destination, merge } = field;
  let given = context.input[name];
  // Setting one destination of the subscription removes the others. If the input has two destinations, the check reports that.
  if (destination && given === undefined && destinations.some((other) => other !== name && context.input[other])) given = null;
  if (merge) return merge.call(field, given as never, context) ?? null;
  const kept = savedValue(field, context.saved);
  if (field.type.kind === 'RECORD')
    return given === undefined ? kept : mergeRecord(field.type, given as Values | null, kept as Values | null);
  return normal(field, given === undefined ? kept : given);
}

function savedValue(field: Field, saved: Saved | null): unknown {
  const { name, version, secret } = field;
  if (saved === null) return null;
  if (version === false) return (saved as unknown as Values)[name] ?? null;
  const [open, sealed] = [(saved.definition as unknown as Values)[name], (saved.secrets as Values)[name]];
  if (secret) return sealed ?? null;
  return sealed === undefined ? (open ?? null) : { ...(open as object), ...(sealed as object) };
}

/**
 * Merges a record (a field with inner fields). A record with only default values counts as absent, so that saving it doesn't change a
 * definition that lacks it.
 */
function mergeRecord({ fields, keepsAbsent }: RecordType, given: Values | null, kept: Values | null): Values | null {
  if (given === null) return null;
  const settable = fields.filter(({ input }) => input !== false);
  const merged = settable.map((field): [string, unknown] => {
    const value = given[field.name];
    return [field.name, normal(field, value === undefined && keepsAbsent ? kept?.[field.name] : value)];
  });
  const isUsual = settable.every(({ default: usual = null }, index) => isDeepStrictEqual(merged[index]?.[1], usual));
  return isUsual && !keepsAbsent ? null : Object.fromEntries(merged);
}

/**
 * Returns the value to save: the default for an absent value, a text without surrounding spaces, a list without duplicates. A blank text
 * counts as absent, because forms send empty fields.
 */
function normal({ type, default: usual = null }: Field, value: unknown): unknown {
  if (value == null) return usual;
  if (type.kind === 'SOURCE') return (value as string).trim() === '' ? usual : value;
  if (type.kind === 'TEXT') return (value as string).trim() || usual;
  return type.kind === 'LIST' ? listOf(type.of, value as unknown[], usual) : value;
}

function listOf(type: FieldType, values: unknown[], usual: unknown): unknown {
  // Sorts ids and enum values and removes duplicates, because equal sets must compare equal.
  if (type.kind === 'ENUM')
    return orUsual(
      Object.keys(type.values).filter((value) => values.includes(value)),
      usual,
    );
  const set = type.kind === 'RECORD' ? values : [...new Set(values)];
  return orUsual(type.kind === 'ID' ? set.sort() : set, usual);
}

const orUsual = (list: unknown[], usual: unknown): unknown => (list.length === 0 ? usual : list);

export interface Stored {
  definition: Partial<Definition>;
  secrets: Partial<Secrets>;
}

/**
 * Splits a field's merged value into the part for the definition and the part for the secrets. Both parts are empty for a field such as the
 * name (`version: false`), which is stored in a column of its own.
 */
export function storeField(field: Field, values: Values): Stored {
  const { name, type, version, secret, store } = field;
  const value = values[name];
  if (value == null || version === false) return { definition: {}, secrets: {} };
  if (store) return { definition: {}, secrets: {}, ...store.call(field, value as never, values) };
  if (secret) return { definition: {}, secrets: { [name]: value } };
  const hidden = type.kind === 'RECORD' ? new Set(type.fields.filter((inner) => inner.secret).map((inner) => inner.name)) : new Set();
  const entries = hidden.size === 0 ? [] : Object.entries(value as object).filter(([, item]) => item != null);
  const sealed = entries.filter(([key]) => hidden.has(key));
  return {
    definition: {
      [name]: hidden.size === 0 ? value : Object.fromEntries(Object.entries(value as object).filter(([key]) => !hidden.has(key))),
    },
    secrets: sealed.length === 0 ? {} : { [name]: Object.fromEntries(sealed) },
  };
}
