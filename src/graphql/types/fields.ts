// Converts the declared fields of a subscription to GraphQL fields, object types, input types and enums.
import { describeField, type EnumType, FIELDS, type Field, type FieldType, type RecordType } from '../../webhooks/fields.js';
import type { Subscription } from '../../webhooks/index.js';
import type { Builder, Types } from '../builder.js';
import type { HostTypes } from '../host-types.js';

type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>;
type OutputFields = PothosSchemaTypes.ObjectFieldBuilder<Types, object>;
type OutputField = ReturnType<OutputFields['field']>;
type Values = Record<string, unknown>;

// The greatest 32-bit integer, which is the greatest Int in GraphQL. A field that allows greater values has the type Float.
const GREATEST_INT = 2 ** 31 - 1;

export class FieldTypes {
  readonly #refs = new Map<string, unknown>();

  constructor(
    readonly builder: Builder,
    readonly host: HostTypes,
  ) {}

  /** Returns input fields by name. Omits fields about integrations or environments if the host has no such type. */
  input(t: InputFields, fields: readonly Field[] = FIELDS) {
    return Object.fromEntries(
      fields
        .filter((field) => field.input !== false && this.#isOffered(field.type))
        .map((field) => [field.name, t.field({ type: this.#inputType(field.type) as 'String', description: describeField(field) })]),
    );
  }

  /** Returns output fields by name. Omits secrets, and fields about integrations or environments if the host has no such type. */
  output(t: OutputFields, fields: readonly Field[] = FIELDS): Record<string, OutputField> {
    return Object.fromEntries(
      fields.filter(isReturned).flatMap((field) => {
        const { name = field.name, type = field.type } = field.output || {};
        return this.#isOffered(type) ? [[name, this.#outputField(t, field, type)]] : [];
      }),
    );
  }

  enum({ typename, description, values }: EnumType): 'String' {
    return this.#once(typename, () =>
      this.builder.enumType(typename, {
        description,
        values: Object.fromEntries(Object.entries(values).map(([value, meaning]) => [value, { description: meaning }])),
      }),
    ) as 'String';
  }

  #once(typename: string, make: () => unknown): unknown {
    if (!this.#refs.has(typename)) this.#refs.set(typename, make());
    return this.#refs.get(typename);
  }

  #isOffered(type: FieldType): boolean {
    if (type.kind === 'LIST') return this.#isOffered(type.of);
    return type.kind !== 'ID' || type.of === 'topic' || this.host[type.of] !== null;
  }

  #inputType(type: FieldType): unknown {
    if (type.kind === 'LIST') return [this.#inputType(type.of)];
    if (type.kind === 'ID') return 'ID';
    if (type.kind !== 'RECORD') return this.#scalarOrEnum(type);
    const { input, fields } = type;
    if (!input) throw new Error('A record without an input was declared as one that can be set');
    return this.#once(input.typename, () =>
      this.builder.inputType(input.typename, { description: input.description, fields: (t) => this.input(t, fields) }),
    );
  }

  #outputType(type: FieldType): unknown {
    if (type.kind === 'LIST') return [this.#outputType(type.of)];
    if (type.kind === 'ID') return type.of === 'topic' ? 'ID' : this.host[type.of]?.ref;
    return type.kind === 'RECORD' ? this.#recordType(type) : this.#scalarOrEnum(type);
  }

  #recordType({ output, fields }: RecordType): unknown {
    if (!output) throw new Error('A record without an output was declared as one that is returned');
    return this.#once(output.typename, () =>
      this.builder.objectRef<object>(output.typename).implement({
        description: output.description,
        fields: (t) => this.output(t, fields),
      }),
    );
  }

  #scalarOrEnum(type: Exclude<FieldType, { kind: 'LIST' | 'ID' | 'RECORD' }>): string {
    switch (type.kind) {
      case 'ENUM':
        return this.enum(type);
      case 'BOOLEAN':
        return 'Boolean';
      case 'INTEGER':
        return type.most > GREATEST_INT ? 'Float' : 'Int';
      case 'NUMBER':
        return 'Float';
      default:
        return 'String';
    }
  }

  #outputField(t: OutputFields, field: Field, type: FieldType) {
    const { required = false, description = field.description } = field.output || {};
    const isList = type.kind === 'LIST';
    // Nodes in a list are nullable, because the host's node may be deleted or unreadable.
    const nullable = isList ? { list: !required, items: type.of.kind === 'ID' } : !required;
    return t.field({
      type: this.#outputType(type) as 'String',
      nullable: nullable as true,
      description,
      resolve: (source, _args, ctx, info) => {
        const value = readValue(field, source);
        const item = type.kind === 'LIST' ? type.of : type;
        const hostType = item.kind === 'ID' && item.of !== 'topic' ? this.host[item.of] : null;
        if (!hostType || value == null) return value as string;
        const load = (key: string) => hostType.load(key, ctx, info);
        return (Array.isArray(value) ? value.map(load) : load(value as string)) as unknown as string;
      },
    });
  }
}

const isReturned = ({ output, secret }: Field): boolean => output !== false && (output !== undefined || !secret);

/**
 * Returns a field's value for the API: the result of the field's `read` function if it has one, else the stored value or the default.
 */
function readValue(field: Field, source: object): unknown {
  const { name, version, default: usual, type } = field;
  const { read, required } = field.output || {};
  if (read) return read(source as never);
  const stored = isSubscription(source) && version !== false ? (source.definition as unknown as Values) : (source as Values);
  return stored[name] ?? usual ?? (type.kind === 'LIST' && required ? [] : null);
}

const isSubscription = (source: object): source is Subscription => 'definition' in source;
