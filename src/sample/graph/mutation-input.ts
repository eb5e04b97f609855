// Converts a mutation's input to Prisma's `data`, or throws the mistakes that the user made in it.
import { Prisma } from '../../generated/nodes/client.js';
import { delegateOf, keyFields, type Model, type Row } from '../../sources/prisma/index.js';
import type { Client } from '../prisma.js';
import { attributesOf, definitionOf, KEPT_BY_DATABASE, type NodeDefinition, relationsOf, tenantPath, whereTenant } from './define-node.js';
import { decodeGlobalId, whereKey } from './global-id.js';
import { type UserError, UserMistake } from './user-error.js';

export interface InputSource {
  definition: NodeDefinition;
  definitions: NodeDefinition[];
  organizationId: string;
  tx: Client;
  /** The path of the input in the mutation's arguments. */
  path: string[];
}

/** Returns the fields that a user may set. */
export function writableAttributes(definition: NodeDefinition) {
  return attributesOf(definition).filter(({ name }) => !KEPT_BY_DATABASE.includes(name));
}

/** Returns the to-one relations that a user may set by `<relation>Id`: all but the tenant. */
export function writableRelations(definition: NodeDefinition, definitions: NodeDefinition[]) {
  return relationsOf(definition, definitions).filter(
    ({ relationFromFields }) => relationFromFields?.length && !relationFromFields.includes(definition.tenant),
  );
}

/** Returns the name of the input field that sets a connection: `memberIds` for `members`. */
export function idsField(connection: string): string {
  return `${connection.replace(/s$/, '')}Ids`;
}

/**
 * Converts an input to Prisma's `data`. An absent field is left out; a null field is cleared.
 * @throws UserMistake with all mistakes
 */
export async function readInput(input: Row, operation: 'create' | 'update', source: InputSource): Promise<Row> {
  const errors: UserError[] = [];
  const data: Row = {};
  const fail = (field: string, message: string, type: UserError['type']) =>
    errors.push({ field, message, type, path: [...source.path, field] });
  readAttributes({ input, data, operation, definition: source.definition, fail });
  await readRelations({ input, data, operation, source, fail });
  await readConnections({ input, data, operation, source, fail });
  if (errors.length > 0) throw new UserMistake(errors);
  return data;
}

type Fail = (field: string, message: string, type: UserError['type']) => void;
type Operation = 'create' | 'update';

function readAttributes({
  input,
  data,
  operation,
  definition,
  fail,
}: {
  input: Row;
  data: Row;
  operation: Operation;
  definition: NodeDefinition;
  fail: Fail;
}): void {
  for (const { name, isRequired, isList, hasDefaultValue, type } of writableAttributes(definition)) {
    const value = input[name];
    if (value === undefined) {
      if (operation === 'create' && isRequired && !isList && !hasDefaultValue) fail(name, "can't be blank", 'BLANK');
    } else if (isBlank(value, isRequired && !isList)) fail(name, "can't be blank", 'BLANK');
    else if (hasNul(value)) fail(name, 'contains the character U+0000, which Postgres cannot store', 'INVALID');
    else if (isList) data[name] = { set: value ?? [] };
    else data[name] = value === null && type === 'Json' ? Prisma.DbNull : value;
  }
}

function isBlank(value: unknown, isRequired: boolean): boolean {
  return isRequired && (value === null || (typeof value === 'string' && value.trim() === ''));
}

/** Whether a value contains U+0000, which Postgres can store neither in text nor in jsonb. */
function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (value === null || typeof value !== 'object' || value instanceof Date) return false;
  return Object.entries(value).some(([key, inner]) => hasNul(key) || hasNul(inner));
}

interface Reading {
  input: Row;
  /** The data for Prisma, to which each function that reads a part of the input adds its values. */
  data: Row;
  operation: Operation;
  source: InputSource;
  fail: Fail;
}

async function readRelations({ input, data, operation, source, fail }: Reading) {
  for (const { name, type, isRequired, relationFromFields } of writableRelations(source.definition, source.definitions)) {
    const field = `${name}Id`;
    const id = input[field];
    const foreignKey = relationFromFields?.[0] as string;
    if (id === undefined) {
      if (operation === 'create' && isRequired) fail(field, "can't be blank", 'BLANK');
    } else if (id === null) {
      if (isRequired) fail(field, "can't be blank", 'BLANK');
      else data[foreignKey] = null;
    } else {
      const [row] = await findByIds([String(id)], type, source);
      if (row) data[foreignKey] = row[(keyFields(definitionOf(type, source.definitions).model)[0] as { name: string }).name];
      else fail(field, 'not found', 'NOT_FOUND');
    }
  }
}

async function readConnections({ input, data, operation, source, fail }: Reading) {
  for (const name of source.definition.writableConnections) {
    const ids = input[idsField(name)];
    if (ids === undefined) continue;
    const type = source.definition.model.fields.find((field) => field.name === name)?.type as string;
    const unique = [...new Set((ids as string[] | null) ?? [])];
    const rows = await findByIds(unique, type, source);
    const missing = unique.filter((_, index) => !rows[index]);
    if (missing.length > 0) fail(idsField(name), `not found: ${missing.join(', ')}`, 'NOT_FOUND');
    const keys = rows.filter((row) => row !== undefined);
    data[name] = { [operation === 'create' ? 'connect' : 'set']: keys };
  }
}

/**
 * Finds rows of the organization by their global ids, in one statement. Returns their keys in the order of the ids, and
 * `undefined` for an id without a row.
 */
async function findByIds(ids: string[], typename: string, { definitions, organizationId, tx }: InputSource): Promise<(Row | undefined)[]> {
  const target = definitionOf(typename, definitions);
  const wheres = ids.map((id) => whereGlobalId(id, target.model));
  const known = wheres.filter((where) => where !== null);
  if (known.length === 0) return ids.map(() => undefined);
  const select = Object.fromEntries(keyFields(target.model).map(({ name }) => [name, true]));
  const scope = whereTenant(tenantPath(target, definitions), organizationId);
  const rows = await delegateOf(tx, typename).findMany({ where: { AND: [scope, { OR: known }] }, select });
  return wheres
    .map((where) => where && rows.find((row) => Object.entries(where).every(([field, value]) => row[field] === value)))
    .map((row) => row ?? undefined);
}

/** Returns Prisma's `where` for the row; `null` when the text isn't a global id of this model. */
export function whereGlobalId(id: string, model: Model): Row | null {
  const decoded = decodeGlobalId(id);
  return decoded?.typename === model.name ? whereKey(model, decoded.key) : null;
}
