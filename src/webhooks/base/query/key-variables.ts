// Supplies the key of an announced node to stored queries as GraphQL variables, each in the type that the query declares.
import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isScalarType,
  Kind,
  specifiedScalarTypes,
  type TypeNode,
  typeFromAST,
} from 'graphql';
import type { AnnouncedNode } from '../model.js';

/** The JSON type in which a part of a key is passed to GraphQL. */
type Form = 'TEXT' | 'NUMBER' | 'BOOLEAN';

/** A variable of a stored query whose value is a part of the node's key. */
export interface KeyVariable {
  name: string;
  /** Index of the part in the node's key, which can have several columns. */
  part: number;
  form: Form;
}

/** Variables that every stored query can declare, with their types; both values are strings. */
export const VARIABLES: Record<string, string> = { nodeId: 'ID', nodeType: 'String' };

/**
 * Returns the names of the variables by which a query gets a part of the key, each with the index of the part. A part is named like its
 * GraphQL field, and like its column in camelCase; a key of one part is also named `id` and `key`. The names of VARIABLES are reserved.
 */
export function keyNames({ key, columns }: Pick<AnnouncedNode, 'key' | 'columns'>): Map<string, number> {
  const names = new Map<string, number>();
  const add = (name: string, part: number) => {
    if (/^[_A-Za-z]\w*$/.test(name) && !Object.hasOwn(VARIABLES, name) && !names.has(name)) names.set(name, part);
  };
  for (const [part, column] of key.entries()) add(columns[column] ?? camelCase(column), part);
  for (const [part, column] of key.entries()) add(camelCase(column), part);
  if (key.length === 1) for (const name of ['id', 'key']) add(name, 0);
  return names;
}

const camelCase = (column: string): string => column.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Splits a node's key into the text of each key column; `null` when `key` is not a valid key of the node. */
export function keyTexts({ key: columns }: Pick<AnnouncedNode, 'key'>, key: string): string[] | null {
  if (columns.length === 1) return [key];
  try {
    const texts: unknown = JSON.parse(key);
    return Array.isArray(texts) && texts.length === columns.length && texts.every((text) => typeof text === 'string') ? texts : null;
  } catch {
    return null;
  }
}

/** Returns the JSON type in which a variable of this GraphQL type gets its value; `null` when a part of a key can't have this type. */
export function formOf(schema: GraphQLSchema, declared: TypeNode): Form | null {
  const type = declared.kind === Kind.LIST_TYPE ? undefined : typeFromAST(schema, declared as never);
  return type ? formOfType(type as GraphQLInputType) : null;
}

export function formOfType(type: GraphQLInputType): Form | null {
  const named = getNamedType(type);
  if (isListType(isNonNullType(type) ? type.ofType : type)) return null;
  if (isEnumType(named)) return 'TEXT';
  if (!isScalarType(named)) return null;
  if (named.name === 'Int' || named.name === 'Float') return 'NUMBER';
  if (named.name === 'Boolean') return 'BOOLEAN';
  if (specifiedScalarTypes.some(({ name }) => name === named.name)) return 'TEXT';
  // A custom scalar counts as a number if it accepts 1 and rejects "1".
  const accepts = (value: unknown): boolean => {
    try {
      return named.parseValue(value) !== undefined;
    } catch {
      return false;
    }
  };
  return !accepts('1') && accepts(1) ? 'NUMBER' : 'TEXT';
}

/**
 * Converts a part of a key from text to the JSON type `form`. A text that no boolean or exact number represents is returned unchanged;
 * GraphQL then rejects it with its own message.
 */
export function givenValue(form: Form, text: string): string | number | boolean {
  if (form === 'BOOLEAN') return text === 'true' || text === 't' ? true : text === 'false' || text === 'f' ? false : text;
  if (form === 'TEXT' || !/^-?\d+(\.\d+)?$/.test(text)) return text;
  return isExact(text) ? Number(text) : text;
}

/** Whether a JavaScript number (a double) represents this decimal number, as Postgres writes it, without rounding. */
export function isExact(text: string): boolean {
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return String(Number(plain)) === plain || /^-0(\.0*)?$/.test(text);
}

/** Returns the values of a query's key variables; `null` when `key` is not a valid key of the node. */
export function keyValues(node: AnnouncedNode, variables: readonly KeyVariable[], key: string): Record<string, unknown> | null {
  const texts = keyTexts(node, key);
  return texts && Object.fromEntries(variables.map(({ name, part, form }) => [name, givenValue(form, texts[part] as string)]));
}
