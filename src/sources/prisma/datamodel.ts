// The Prisma schema as its generator wrote it: models, fields, columns, keys and comments, typed and searchable.
import { datamodel as written } from '../../generated/nodes/datamodel.js';

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
  relationName?: string;
  /** The foreign key's fields on this model; empty on the other side of the relation. */
  relationFromFields?: string[];
  relationToFields?: string[];
  hasDefaultValue: boolean;
  /** Its value, where none is given, comes from Prisma and not from the database: `uuid()`, `@updatedAt`. */
  isMadeByPrisma: boolean;
  documentation?: string;
}

interface Index {
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

export interface Enum {
  name: string;
  /** `stored` is the value as the database has it. */
  values: { name: string; stored: string; documentation?: string }[];
  documentation?: string;
}

export interface Datamodel {
  models: Model[];
  enums: Enum[];
}

export const datamodel = written as Datamodel;

export function modelOf(name: string): Model {
  const model = datamodel.models.find((candidate) => candidate.name === name);
  if (!model) throw new Error(`The Prisma schema has no model ${name}`);
  return model;
}

export function enumOf(name: string): Enum {
  const found = datamodel.enums.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`The Prisma schema has no enum ${name}`);
  return found;
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
  return model.primaryKey.name ?? model.primaryKey.fields.join('_');
}

/** Relations whose foreign key is on this model. */
function toOneRelations(model: Model): Field[] {
  return model.fields.filter(({ kind, relationFromFields }) => kind === 'object' && relationFromFields?.length);
}

/** The relation that a column is the foreign key of. */
export function relationOfColumn(model: Model, fieldName: string): Field | undefined {
  return toOneRelations(model).find(({ relationFromFields }) => relationFromFields?.length === 1 && relationFromFields[0] === fieldName);
}

/** The other side of a relation. */
export function inverseOf(model: Model, relation: Field): Field {
  const other = modelOf(relation.type);
  const inverse = other.fields.find(
    (field) => field.relationName === relation.relationName && (other !== model || field.name !== relation.name),
  );
  if (!inverse) throw new Error(`The relation ${model.name}.${relation.name} has no other side`);
  return inverse;
}
