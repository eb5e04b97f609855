// Reads the models that `hookgraph-prisma` generated from a Prisma schema: fields, columns, keys and comments.

/** The type of the export `models` in the file that `hookgraph-prisma` generates. */
export interface GeneratedModels {
  format: number;
  datamodel: unknown;
}

/** Version of the generated format; increase it when the format changes. */
export const FORMAT = 1;

export interface Field {
  name: string;
  kind: 'scalar' | 'object' | 'enum' | 'unsupported';
  /** The name of a scalar, an enum or a model. */
  type: string;
  column: string;
  isList: boolean;
  isRequired: boolean;
  isId: boolean;
  isUnique: boolean;
  /** The native type after `@db.`; `null` for Prisma's default type. */
  nativeType: string | null;
  /** The values of an enum; absent for other kinds. */
  values?: EnumValue[];
  relationName?: string;
  /** The foreign key's fields on this model; empty on the other side of the relation. */
  relationFromFields?: string[];
  relationToFields?: string[];
  /** The action on this row when the row on the other side is deleted, e.g. `Cascade`; absent: Prisma's default. */
  onDelete?: string;
  hasDefaultValue: boolean;
  /** Whether Prisma, rather than the database, computes a missing value: `uuid()`, `@updatedAt`. */
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
  /** A compound primary key; `null` when a single field is the key (`isId`). */
  primaryKey: Index | null;
  uniqueFields: string[][];
  uniqueIndexes: Index[];
  documentation?: string;
}

export interface EnumValue {
  name: string;
  /** The value as stored in the database. */
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
  /** Finds a model by its name. @throws Error when the schema has no such model */
  modelOf(name: string): Model;
  /** Finds an enum by its name. @throws Error when the schema has no such enum */
  enumOf(name: string): Enum;
}

/**
 * @param schema the Postgres schema of models without `@@schema`
 * @throws Error when another version of hookgraph-prisma generated the models
 */
export function readModels({ format, datamodel }: GeneratedModels, schema = 'public'): Datamodel {
  if (format !== FORMAT)
    throw new Error(
      `The models have format ${format}, written by another version of hookgraph-prisma; this version reads format ${FORMAT}. Run \`prisma generate\`.`,
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
      if (!found) throw new Error(`The models that hookgraph-prisma generated contain no ${what} ${name}. Run \`prisma generate\`.`);
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

/** The fields that are columns: scalars and enums. */
export function columnFields(model: Model): Field[] {
  return model.fields.filter(({ kind }) => kind === 'scalar' || kind === 'enum');
}

/** The fields of the primary key, in the key's order. */
export function keyFields(model: Model): Field[] {
  if (model.primaryKey) return model.primaryKey.fields.map((name) => fieldOf(model, name));
  return model.fields.filter(({ isId }) => isId);
}

/** The name that stands for the primary key in Prisma's `where`: the field's name, or a compound key's name such as `a_b`. */
export function keyName(model: Model): string {
  if (!model.primaryKey) return (keyFields(model)[0] as Field).name;
  return compoundName(model.primaryKey);
}

export const compoundName = ({ name, fields }: Index): string => name ?? fields.join('_');

/** Relations whose foreign key is on this model. */
function toOneRelations(model: Model): Field[] {
  return model.fields.filter(({ kind, relationFromFields }) => kind === 'object' && relationFromFields?.length);
}

/** The relation whose foreign key is this single column. */
export function relationOfColumn(model: Model, fieldName: string): Field | undefined {
  return toOneRelations(model).find(({ relationFromFields }) => relationFromFields?.length === 1 && relationFromFields[0] === fieldName);
}

/** The field on the other side of a relation. */
export function inverseOf({ modelOf }: Pick<Datamodel, 'modelOf'>, model: Model, relation: Field): Field {
  const other = modelOf(relation.type);
  const inverse = other.fields.find(
    (field) => field.relationName === relation.relationName && (other !== model || field.name !== relation.name),
  );
  if (!inverse) throw new Error(`The relation ${model.name}.${relation.name} has no opposite field`);
  return inverse;
}
