// Compares a folder's subscriptions with the existing subscriptions, field by field, and returns the changes. Has no
// side effects.
import { type GraphQLNamedType, type GraphQLSchema, type GraphQLType, getNamedType, isInputObjectType, isObjectType } from 'graphql';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { FIELDS, type Field } from '../../webhooks/fields.js';
import { HIDDEN, hideValues, LEAST_LENGTH, mayStandFor } from '../references.js';
import type { Input } from '../subscription-input.js';
import type { Desired, Folder } from './read-folder.js';

/** A subscription as the API returns it. */
export type Existing = Record<string, unknown> & { id: string; name: string | null };

export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

export interface Change {
  action: 'CREATE' | 'UPDATE' | 'DELETE' | 'NONE';
  name: string;
  file: string | null;
  id: string | null;
  changes: FieldChange[];
  /** Fields with secrets. The API doesn't return secrets, but says in a preview which ones differ. */
  secrets: string[];
  /** Fields that are compared only in part or not at all, because they read variables that aren't set. */
  notCompared: string[];
  /** The input of the mutation; `null` when there is nothing to save. */
  input: Input | null;
}

/** Input fields that aren't compared, because they aren't settings of a subscription: the id, and options of the mutation. */
const NOT_FIELDS = new Set(['id', 'test', 'preset']);
/** Fields that Hookgraph or a user (`hookgraph webhooks disable`) may change outside the file; compared only if the file sets them. */
const LEFT_ALONE = new Set(['disabled']);
export const SECRET = '(secret)';

/** Returns the changes. They contain references in place of the values of variables; only their `input` contains the values. */
export function compare(schema: GraphQLSchema, { scope, desired, variables }: Folder, existing: readonly Existing[]): Change[] {
  const fields = new Fields(schema, variables);
  const described = desired.map((one) => {
    const [found, ...others] = existing.filter(({ name }) => name === one.name);
    if (others.length > 0)
      throw new RuntimeError(
        'AMBIGUOUS',
        `${others.length + 1} subscriptions have the name ${JSON.stringify(one.shown.name)}`,
        'Names must be unique: rename the other subscriptions, or delete them.',
      );
    return found ? changed(fields, one, found) : created(fields, one);
  });
  const desiredNames = new Set(desired.map(({ name }) => name));
  const removed = scope === null ? [] : existing.filter(({ name }) => name?.startsWith(`${scope}/`) && !desiredNames.has(name));
  return [
    ...described,
    ...removed.map(
      ({ id, name }): Change => ({
        action: 'DELETE',
        name: hideValues(String(name), variables),
        file: null,
        id,
        changes: [],
        secrets: [],
        notCompared: [],
        input: null,
      }),
    ),
  ];
}

function created(fields: Fields, { file, input, shown, unset }: Desired): Change {
  const changes = fields.names
    .filter((field) => field !== 'name' && input[field] != null)
    .map((field) => ({ field, before: null, after: fields.printed(field, shown[field]) }));
  const { name } = shown;
  return {
    action: 'CREATE',
    name: String(name),
    file,
    id: null,
    changes,
    secrets: fields.secretsOf(input),
    notCompared: [...unset],
    input,
  };
}

function changed(fields: Fields, { file, input, shown, unset }: Desired, existing: Existing): Change {
  const changes: FieldChange[] = [];
  const sent: Input = { id: existing.id };
  for (const field of fields.names) {
    const given = input[field];
    if (given === undefined && LEFT_ALONE.has(field)) continue;
    const before = fields.existing(field, existing);
    const after = fill(field, fields.visible(field, given), before);
    const printed = fill(field, fields.visible(field, shown[field]), before);
    const isSame = same(before, after) || (unset.has(field) && maySame(before, printed));
    if (!isSame) changes.push({ field, before: hideBefore(before, { after, printed, variables: fields.variables }), after: printed });
    if (!isSame || (given != null && fields.hasSecret(field, given))) sent[field] = given ?? null;
  }
  return {
    action: changes.length > 0 ? 'UPDATE' : 'NONE',
    name: String(shown.name),
    file,
    id: existing.id,
    changes,
    secrets: fields.secretsOf(input),
    notCompared: [...unset],
    input: Object.keys(sent).length > 1 ? sent : null,
  };
}

/** Whether the existing value fits the file's value, if each reference in it may stand for any text. */
function maySame(before: unknown, printed: unknown): boolean {
  if (typeof before === 'string' && typeof printed === 'string') return mayStandFor(printed, before);
  if (typeof before !== 'object' || typeof printed !== 'object' || before === null || printed === null) return same(before, printed);
  const [one, other] = [Object.entries(before), Object.entries(printed)];
  return one.length === other.length && one.every(([key, value]) => key in printed && maySame(value, (printed as Input)[key]));
}

interface After {
  after: unknown;
  printed: unknown;
  variables: ReadonlyMap<string, string>;
}

/**
 * Returns the existing value for printing. A text that the file reads from variables may contain their earlier values. So it is
 * printed only if it contains the present values, which are replaced by references.
 */
function hideBefore(before: unknown, { after, printed, variables }: After): unknown {
  if (typeof before === 'string' && typeof printed === 'string') {
    if (after === printed) return hideValues(before, variables);
    const references = printed.match(/\$\{env:[A-Za-z_]\w*\}/g) ?? [];
    const isKnown = references.every((reference) => {
      const value = variables.get(reference.slice('${env:'.length, -1));
      return value !== undefined && value.length >= LEAST_LENGTH && before.includes(value);
    });
    return isKnown ? hideValues(before, variables) : HIDDEN;
  }
  if (typeof before !== 'object' || before === null) return before;
  const [inner, innerPrinted] = [after ?? {}, printed ?? {}] as [Input, Input];
  const hidden = Object.entries(before).map(([key, value]) => [
    key,
    hideBefore(value, { after: inner[key], printed: innerPrinted[key], variables }),
  ]);
  return Array.isArray(before) ? hidden.map(([, value]) => value) : Object.fromEntries(hidden);
}

/**
 * Returns the file's value (`after`), completed with existing values (`before`) that the file omits: values that Hookgraph
 * filled in and, for a topic, the subscription's version. So an omitted value doesn't count as a change.
 */
function fill(field: string, after: unknown, before: unknown): unknown {
  const declared = declarationOf(field);
  const usual = declared?.default ?? (declared?.type.kind === 'LIST' ? [] : null);
  if (after === null) return same(before, usual) ? before : null;
  if (field === 'topic') return { ...(before as object), ...drop(after as Input) };
  if (before && typeof before === 'object' && !Array.isArray(before) && typeof after === 'object')
    return Object.fromEntries(
      Object.entries(before).map(([key, value]) => [
        key,
        (after as Input)[key] ?? (isFilledIn(declared, key, before as Input) ? value : null),
      ]),
    );
  return after;
}

/** Whether the existing value of a field's inner field is the one that Hookgraph fills in when the file doesn't set it. */
function isFilledIn(declared: Field | undefined, key: string, before: Input): boolean {
  const value = before[key];
  if (value === null || value === false) return true;
  const inner = innerFields(declared).find(({ name, input, output }) => name === key && (input === false || output !== false));
  const { isFilledIn: filled = false } = inner?.file ?? {};
  return same(value, inner?.default) || (typeof filled === 'function' ? filled(before) : filled);
}

const declarationOf = (name: string): Field | undefined => FIELDS.find((field) => field.name === name);
const innerFields = (field: Field | undefined): readonly Field[] => (field?.type.kind === 'RECORD' ? field.type.fields : []);

const drop = (value: Input): Input => Object.fromEntries(Object.entries(value).filter(([, item]) => item != null));

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Converts a field's input value and the value that the API returns for it to forms that can be compared with each other. */
class Fields {
  readonly names: string[];

  constructor(
    readonly schema: GraphQLSchema,
    readonly variables: ReadonlyMap<string, string>,
  ) {
    this.names = Object.keys(fieldsOf(schema.getType('WebhookSubscriptionInput'))).filter((name) => !NOT_FIELDS.has(name));
  }

  existing(field: string, node: Existing): unknown {
    const declared = declarationOf(field);
    const value = node[returnedAs(declared) ?? field] ?? null;
    if (declared?.secret) return value ? SECRET : null;
    if (field === 'topic') return pick(value as Input, ['key', 'version']);
    if (declared?.type.kind === 'ID') return (value as { id: string } | null)?.id ?? null;
    if (declared?.type.kind === 'LIST' && declared.type.of.kind === 'ID')
      return ((value ?? []) as { id: string }[]).map(({ id }) => id).sort();
    if (value === null || !declared?.file?.asReturned) return value;
    return Array.isArray(value) ? declared.file.asReturned(value as never) : drop(value as Input);
  }

  /** Converts a field's input value to what the API will return for it: without secrets, ids sorted. */
  visible(field: string, value: unknown): unknown {
    if (value == null) return null;
    const declared = declarationOf(field);
    if (declared?.secret) return SECRET;
    if (declared?.file?.asReturned) return declared.file.asReturned(value as never);
    if (declared?.type.kind === 'LIST' && declared.type.of.kind === 'ID') return [...(value as string[])].sort();
    return this.#isRecord(field, value) ? this.#shown(this.#outputOf(field), value) : value;
  }

  /** Like `visible`, but keeps the reference from which a secret is read. */
  printed(field: string, value: unknown): unknown {
    const isReference = typeof value === 'string' && /^\$\{env:[^}]+\}$/.test(value);
    return declarationOf(field)?.secret && isReference ? value : this.visible(field, value);
  }

  hasSecret(field: string, value: unknown): boolean {
    const declared = declarationOf(field);
    if (declared) return holdsSecret(declared, value);
    if (!this.#isRecord(field, value)) return false;
    const shown = this.#shown(this.#outputOf(field), value);
    return Object.keys(drop(value)).some((key) => !(key in shown));
  }

  secretsOf(input: Input): string[] {
    return this.names.filter((field) => input[field] != null && this.hasSecret(field, input[field]));
  }

  #isRecord(field: string, value: unknown): value is Input {
    return typeof value === 'object' && value !== null && !Array.isArray(value) && field !== 'topic';
  }

  #outputOf(field: string): string {
    const type = fieldsOf(this.schema.getType('WebhookSubscription'))[field]?.type;
    return type ? getNamedType(type).name : '';
  }

  #shown(typename: string, value: Input): Input {
    const shown = fieldsOf(this.schema.getType(typename));
    return Object.fromEntries(Object.entries(drop(value)).filter(([key]) => key in shown));
  }
}

const returnedAs = (field: Field | undefined): string | undefined => (field?.output ? field.output.name : undefined);
const pick = (value: Input, names: string[]): Input => Object.fromEntries(names.map((name) => [name, value[name]]));

/** Whether the value is or contains a secret, which the API never returns. */
function holdsSecret({ secret, type }: Pick<Field, 'secret' | 'type'>, value: unknown): boolean {
  if (value == null) return false;
  if (secret) return true;
  if (type.kind === 'LIST') return (value as unknown[]).some((item) => holdsSecret({ type: type.of }, item));
  return type.kind === 'RECORD' && type.fields.some((field) => holdsSecret(field, (value as Input)[field.name]));
}

function fieldsOf(type: GraphQLNamedType | undefined | null): Record<string, { type: GraphQLType }> {
  return isObjectType(type) || isInputObjectType(type) ? type.getFields() : {};
}
