// Decides whether a host's type can replace Hookgraph's type of the same name: Node, PageInfo, UserError, DateTime or JSON.
import { isDeepStrictEqual } from 'node:util';
import {
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLScalarType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  Kind,
} from 'graphql';

/**
 * For each type that Hookgraph can share with the host, the test whether the host's type of this name can replace Hookgraph's. A host's
 * type with the name of any other type of Hookgraph is a collision.
 */
const SAME: Record<string, (ours: GraphQLNamedType, theirs: GraphQLNamedType) => boolean> = {
  Node: (_ours, theirs) => isInterfaceType(theirs) && theirs.getInterfaces().length === 0 && hasOnlyOurId(theirs),
  PageInfo: (ours, theirs) => isObjectType(theirs) && hasSameFields(ours as GraphQLObjectType, theirs),
  UserError: (ours, theirs) => isObjectType(theirs) && hasSameFields(ours as GraphQLObjectType, theirs, 'place'),
  DateTime: (_ours, theirs) => isScalarType(theirs) && handlesDates(theirs),
  JSON: (_ours, theirs) => isScalarType(theirs) && answersJson(theirs),
};

export function isShared(name: string): boolean {
  return Object.hasOwn(SAME, name);
}

export function meansTheSame(ours: GraphQLNamedType, theirs: GraphQLNamedType): boolean {
  return SAME[ours.name]?.(ours, theirs) ?? false;
}

/** Whether the interface's only field is `id: ID!` or `id: ID`. Hookgraph's types have `id: ID!`, which implements either. */
function hasOnlyOurId(theirs: GraphQLInterfaceType): boolean {
  const fields = Object.values(theirs.getFields());
  return fields.length === 1 && fields.every(({ name, type, args }) => name === 'id' && /^ID!?$/.test(String(type)) && args.length === 0);
}

/**
 * Whether both types have the same fields. Hookgraph's objects couldn't resolve a further field of the host's type. The host's type may
 * lack the field `added`, which mergeApi then adds.
 */
function hasSameFields(ours: GraphQLObjectType, theirs: GraphQLObjectType, added?: string): boolean {
  const isCompared = (name: string) => name !== added || name in theirs.getFields();
  const shapeOf = (type: GraphQLObjectType) =>
    Object.fromEntries(
      Object.values(type.getFields())
        .filter(({ name }) => isCompared(name))
        .map((field) => [field.name, [String(field.type), field.args.length]]),
    );
  return isDeepStrictEqual(shapeOf(ours), shapeOf(theirs)) && theirs.getInterfaces().length === 0;
}

const MOMENT = new Date('2026-11-22T18:30:00.123Z');

/** Whether the host's scalar converts Dates with milliseconds, which Hookgraph's resolvers use, to ISO 8601 and back. */
function handlesDates(theirs: GraphQLScalarType): boolean {
  const text = MOMENT.toISOString();
  return tried(() => {
    const answered = theirs.serialize(MOMENT);
    const isText = typeof answered === 'string' || answered instanceof Date;
    const read = [theirs.parseValue(text), theirs.parseLiteral({ kind: Kind.STRING, value: text })];
    return isText && [new Date(answered), ...read].every((date) => date instanceof Date && date.getTime() === MOMENT.getTime());
  });
}

const JSON_VALUES = [{ name: ['x', 1, true, null] }, [1, 'x'], 'x', '{"x":1}', 1.5, false];

function answersJson(theirs: GraphQLScalarType): boolean {
  return tried(() => JSON_VALUES.every((value) => isDeepStrictEqual(theirs.serialize(value), value)));
}

/** Returns `false` when `works` throws, because a scalar that throws can't handle Hookgraph's values. */
function tried(works: () => boolean): boolean {
  try {
    return works();
  } catch {
    return false;
  }
}
