// Compares the subscriptions of a folder with the existing ones, field by field, and returns the changes to make. Pure.
import { type GraphQLNamedType, type GraphQLSchema, type GraphQLType, getNamedType, isInputObjectType, isObjectType } from 'graphql';
import { RuntimeError } from '../../runtime/runtime-error.js';
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
  /**
   * Fields that the API returns only partly or not at all, because they hold secrets. They can't be compared, and are
   * sent each time.
   */
  secrets: string[];
  /** The input for the API; `null` when nothing is to be saved. */
  input: Input | null;
}

/** The API's defaults for omitted fields. */
const DEFAULTS: Record<string, unknown> = {
  contentType: 'JSON',
  signatures: ['SCOPE'],
  headers: [],
  environmentIds: [],
  recording: { bodies: true, maskedPaths: [] },
  phase: 'AFTER',
  onFailure: 'ALLOW',
  timeoutMs: 2000,
};
/** Sub-fields that the API fills in or adds by itself. */
const FILLED_IN: Record<string, string[]> = {
  auth: ['kind', 'scheme', 'clientAuthentication'],
  sns: ['region', 'externalId', 'hasOwnKeys'],
};
/** Input fields that aren't part of the subscription: its id, and options of the mutation. */
const NOT_OF_IT = new Set(['id', 'test', 'preset']);
/** Fields that rules and users change in the meantime; compared only if the file sets them. */
const LEFT_ALONE = new Set(['disabled']);

export function compare(schema: GraphQLSchema, { scope, desired }: Folder, existing: readonly Existing[]): Change[] {
  const fields = new Fields(schema);
  const kept = desired.map((one) => {
    const [found, ...others] = existing.filter(({ name }) => name === one.name);
    if (others.length > 0)
      throw new RuntimeError(
        'AMBIGUOUS',
        `${others.length + 1} subscriptions are called ${JSON.stringify(one.name)}`,
        'Names tell them apart: rename or delete all but one.',
      );
    return found ? changed(fields, one, found) : created(fields, one);
  });
  const wanted = new Set(desired.map(({ name }) => name));
  const gone = scope === null ? [] : existing.filter(({ name }) => name?.startsWith(`${scope}/`) && !wanted.has(name));
  return [
    ...kept,
    ...gone.map(
      ({ id, name }): Change => ({ action: 'DELETE', name: String(name), file: null, id, changes: [], secrets: [], input: null }),
    ),
  ];
}

function created(fields: Fields, { name, file, input }: Desired): Change {
  const changes = fields.names
    .filter((field) => field !== 'name' && input[field] != null)
    .map((field) => ({ field, before: null, after: fields.visible(field, input[field]) }));
  return { action: 'CREATE', name, file, id: null, changes, secrets: fields.secretsOf(input), input };
}

function changed(fields: Fields, { name, file, input }: Desired, existing: Existing): Change {
  const changes: FieldChange[] = [];
  const sent: Input = { id: existing.id };
  for (const field of fields.names) {
    const given = input[field];
    if (given === undefined && LEFT_ALONE.has(field)) continue;
    const before = fields.existing(field, existing);
    const filled = fill(field, fields.visible(field, given), before);
    const isSame = same(before, filled);
    if (!isSame) changes.push({ field, before, after: filled });
    if (!isSame || (given != null && fields.hasSecret(field, given))) sent[field] = given ?? null;
  }
  return {
    action: changes.length > 0 ? 'UPDATE' : 'NONE',
    name,
    file,
    id: existing.id,
    changes,
    secrets: fields.secretsOf(input),
    input: Object.keys(sent).length > 1 ? sent : null,
  };
}

/** Fills omitted values with the defaults, and a topic without a version with the existing pinned version. */
function fill(field: string, after: unknown, before: unknown): unknown {
  if (after === null) return same(before, DEFAULTS[field] ?? null) ? before : null;
  if (field === 'topic') return { ...(before as object), ...drop(after as Input) };
  if (before && typeof before === 'object' && !Array.isArray(before) && typeof after === 'object')
    return Object.fromEntries(
      Object.entries(before).map(([key, value]) => [
        key,
        (after as Input)[key] ?? (isFilledIn(field, key, before as Input) ? value : null),
      ]),
    );
  return after;
}

function isFilledIn(field: string, key: string, before: Input): boolean {
  const value = before[key];
  if (value === null || value === false || FILLED_IN[field]?.includes(key)) return true;
  // A managed topic gets its ARN when it is created.
  return (field === 'sns' && key === 'topicArn' && before.managed === true) || same(value, ((DEFAULTS[field] ?? {}) as Input)[key]);
}

const drop = (value: Input): Input => Object.fromEntries(Object.entries(value).filter(([, item]) => item != null));

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The input fields of a subscription, and the value that the API returns for each. */
class Fields {
  readonly names: string[];

  constructor(readonly schema: GraphQLSchema) {
    this.names = Object.keys(fieldsOf(schema.getType('WebhookSubscriptionInput'))).filter((name) => !NOT_OF_IT.has(name));
  }

  existing(field: string, node: Existing): unknown {
    const value = node[field];
    switch (field) {
      case 'topic': {
        const { key, version } = value as { key: string; version: string };
        return { key, version };
      }
      case 'integrationId':
        return (node.integration as { id: string } | null)?.id ?? null;
      case 'environmentIds':
        return ((node.environments ?? []) as { id: string }[]).map(({ id }) => id).sort();
      case 'sharedSecret':
        return node.hasSharedSecret ? SECRET : null;
      case 'headers':
        return (value as { name: string }[]).map(({ name }) => name).sort();
      case 'auth': {
        if (value === null) return null;
        const { kind, ...rest } = value as { kind: string };
        return drop({ kind, ...rest });
      }
      default:
        return value ?? null;
    }
  }

  /** Reduces an input value to the part that the API will return. */
  visible(field: string, value: unknown): unknown {
    if (value == null) return null;
    switch (field) {
      case 'environmentIds':
        return [...(value as string[])].sort();
      case 'sharedSecret':
        return SECRET;
      case 'headers':
        return (value as { name: string }[]).map(({ name }) => name).sort();
      case 'auth': {
        const [[kind, given] = ['', {}]] = Object.entries(drop(value as Input));
        return { kind: kind.toUpperCase(), ...this.#shown('WebhookAuth', given as Input) };
      }
      default:
        return typeof value === 'object' && !Array.isArray(value) && field !== 'topic'
          ? this.#shown(this.#outputOf(field), value as Input)
          : value;
    }
  }

  hasSecret(field: string, value: unknown): boolean {
    if (field === 'sharedSecret' || field === 'auth') return true;
    if (field === 'headers') return (value as unknown[]).length > 0;
    if (typeof value !== 'object' || value === null || Array.isArray(value) || field === 'topic') return false;
    const shown = this.#shown(this.#outputOf(field), value as Input);
    return Object.keys(drop(value as Input)).some((key) => !(key in shown));
  }

  secretsOf(input: Input): string[] {
    return this.names.filter((field) => input[field] != null && this.hasSecret(field, input[field]));
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

const SECRET = '(secret)';

function fieldsOf(type: GraphQLNamedType | undefined | null): Record<string, { type: GraphQLType }> {
  return isObjectType(type) || isInputObjectType(type) ? type.getFields() : {};
}
