// Reads what our generator wrote of a Prisma schema: models, fields, columns, keys and comments, typed and searchable.

/** The file that `hookgraph-prisma` writes exports this as `models`. */
export interface GeneratedModels {
  format: number;
  datamodel: unknown;
}

/** Changes with the shape of what is written. */
export const FORMAT = 1;

export interface Field {
  name: string;
  kind: 'scalar' | 'object' | 'enum' | 'unsupported';
  /** A scalar's, an enum's or a model's name. */
  type: string;
  column: string;
  isList: boolean;
  isRequired: boolean;
  isId: boolean;
  isUnique: boolean;
  /** The `@db.` type; null: Prisma's default. */
  nativeType: string | null;
  /** Of an enum: its values. */
  values?: EnumValue[];
  relationName?: string;
  /** The foreign key's fields on this model; empty on the other side of the relation. */
  relationFromFields?: string[];
  relationToFields?: string[];
  /** What a delete on the other side does to this row, e.g. `Cascade`; absent: Prisma's default. */
  onDelete?: string;
  hasDefaultValue: boolean;
  /** Its value, where none is given, comes from Prisma and not from the database: `uuid()`, `@updatedAt`. */
  isMadeByPrisma: boolean;
  documentation?: string;
}

export interface Index {
  name: string | null;
  fields: string[];
}

export interface Model {
  name: string;
  table: string;
  schema: string;
  fields: Field[];
  /** A key of several fields; a key of one is on its field. */
  primaryKey: Index | null;
  uniqueFields: string[][];
  uniqueIndexes: Index[];
  documentation?: string;
}

export interface EnumValue {
  name: string;
  /** The value as the database has it. */
  stored: string;
  documentation?: string;
}

export interface Enum {
  name: string;
  values: EnumValue[];
  documentation?: string;
}

export interface Datamodel {
  models: Model[];
  enums: Enum[];
  /** @throws Error where the schema has none of this name */
  modelOf(name: string): Model;
  /** @throws Error where the schema has none of this name */
  enumOf(name: string): Enum;
}

/** @param schema of models without `@@schema` */
export function readModels({ format, datamodel }: GeneratedModels, schema = 'public'): Datamodel {
  if (format !== FORMAT)
    throw new Error(
      `The models were written by another version of hookgraph-prisma (format ${format}, this one reads ${FORMAT}). Run \`prisma generate\`.`,
    );
  const { models: written, enums } = datamodel as { models: (Omit<Model, 'schema'> & { schema: string | null })[]; enums: Enum[] };
  const valuesOf = new Map(enums.map(({ name, values }) => [name, values]));
  const models = written.map((model) => ({
    ...model,
    schema: model.schema ?? schema,
    fields: model.fields.map((field) => (field.kind === 'enum' ? { ...field, values: valuesOf.get(field.type) ?? [] } : field)),
  }));
  const find = <T extends { name: string }>(what: string, list: T[]) => {
    const byName = new Map(list.map((one) => [one.name, one]));
    return (name: string): T => {
      const found = byName.get(name);
      if (!found) throw new Error(`The Prisma schema has no ${what} ${name}`);
      return found;
    };
  };
  return { models, enums, modelOf: find('model', models), enumOf: find('enum', enums) };
}

export function fieldOf(model: Model, name: string): Field {
  const field = model.fields.find((candidate) => candidate.name === name);
  if (!field) throw new Error(`The Prisma model ${model.name} has no field ${name}`);
  return field;
}

/** Everything that is a column: scalars and enums. */
export function columnFields(model: Model): Field[] {
  return model.fields.filter(({ kind }) => kind === 'scalar' || kind === 'enum');
}

/** The fields of the primary key, in its order. */
export function keyFields(model: Model): Field[] {
  if (model.primaryKey) return model.primaryKey.fields.map((name) => fieldOf(model, name));
  return model.fields.filter(({ isId }) => isId);
}

/** What Prisma calls the key in a `where`: the field, or its fields joined. */
export function keyName(model: Model): string {
  if (!model.primaryKey) return (keyFields(model)[0] as Field).name;
  return compoundName(model.primaryKey);
}

export const compoundName = ({ name, fields }: Index): string => name ?? fields.join('_');

/** Relations whose foreign key is on this model. */
function toOneRelations(model: Model): Field[] {
  return model.fields.filter(({ kind, relationFromFields }) => kind === 'object' && relationFromFields?.length);
}

/** The relation that a column is the foreign key of. */
export function relationOfColumn(model: Model, fieldName: string): Field | undefined {
  return toOneRelations(model).find(({ relationFromFields }) => relationFromFields?.length === 1 && relationFromFields[0] === fieldName);
}

/** The other side of a relation. */
export function inverseOf({ modelOf }: Pick<Datamodel, 'modelOf'>, model: Model, relation: Field): Field {
  const other = modelOf(relation.type);
  const inverse = other.fields.find(
    (field) => field.relationName === relation.relationName && (other !== model || field.name !== relation.name),
  );
  if (!inverse) throw new Error(`The relation ${model.name}.${relation.name} has no other side`);
  return inverse;
}
