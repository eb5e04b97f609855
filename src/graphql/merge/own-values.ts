// Extends those types and root fields of the host that replace Hookgraph's of the same name, so that they also resolve Hookgraph's objects.
// All other objects still go to the host's resolvers.
import {
  defaultFieldResolver,
  defaultTypeResolver,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  GraphQLInterfaceType,
  type GraphQLNamedType,
  GraphQLObjectType,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { PageInfo } from '../connection.js';
import type { Api } from '../create-api.js';
import { OWN_TYPENAMES, type OwnTypename, rememberedTypename, rememberTypename } from '../own-nodes.js';
import { UserError } from '../user-error.js';
import type { MergedNames } from './plan-names.js';

const OWN_VALUES: Record<string, new (...args: never[]) => object> = { PageInfo, UserError };

/**
 * Extends a host's type that replaces Hookgraph's type `ours` of the same name, such as PageInfo, to resolve Hookgraph's objects, too. Adds
 * the fields of `ours` that it lacks; they are `null` for the host's objects.
 */
export function readOwnValues(theirs: GraphQLNamedType, ours: GraphQLNamedType | undefined, names: MergedNames): GraphQLNamedType {
  if (isInterfaceType(theirs)) return resolvingOwnTypes(theirs, names);
  const Own = OWN_VALUES[theirs.name];
  if (!Own || !isObjectType(theirs)) return theirs;
  const { fields, isTypeOf, ...config } = theirs.toConfig();
  return new GraphQLObjectType({
    ...config,
    isTypeOf: isTypeOf && ((value, ctx, info) => value instanceof Own || isTypeOf(value, ctx, info)),
    fields: {
      ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, readingOwn(field, name, Own)])),
      ...Object.fromEntries(Object.entries(ownFields(ours, Own)).filter(([name]) => !(name in fields))),
    },
  });
}

function ownFields(ours: GraphQLNamedType | undefined, Own: new (...args: never[]) => object): Record<string, Field> {
  if (!isObjectType(ours)) return {};
  const ownOnly = ([name, field]: [string, Field]): [string, Field] => [
    name,
    { ...field, resolve: (source) => (source instanceof Own ? Reflect.get(source, name) : null) },
  ];
  return Object.fromEntries(Object.entries(ours.toConfig().fields).map(ownOnly));
}

type Field = GraphQLFieldConfig<unknown, object>;
type Resolver = GraphQLFieldResolver<unknown, object>;

/** Makes a host's field also read Hookgraph's objects. A field without a resolver needs no change: it reads the property of its name. */
function readingOwn(field: Field, name: string, Own: new (...args: never[]) => object): Field {
  const { resolve } = field;
  if (!resolve) return field;
  const read: Resolver = (source, args, ctx, info) =>
    source instanceof Own ? Reflect.get(source, name) : resolve(source, args, ctx, info);
  return { ...field, resolve: read };
}

function resolvingOwnTypes(theirs: GraphQLInterfaceType, names: MergedNames): GraphQLInterfaceType {
  const { resolveType: hosts, ...config } = theirs.toConfig();
  const resolveType = hosts ?? defaultTypeResolver;
  return new GraphQLInterfaceType({
    ...config,
    resolveType: (value, ctx, info, type) => {
      const remembered = rememberedTypename(value);
      if (!remembered) return resolveType(value, ctx, info, type);
      return remembered.isOwn ? names.types.get(remembered.typename) : remembered.typename;
    },
  });
}

/** Extends `node(id:)` and `nodes(ids:)` of the host's query type, if present, to find Hookgraph's objects too. */
export function findOwnNodes(query: GraphQLObjectType, { api, names }: { api: Api; names: MergedNames }): GraphQLObjectType {
  const own = new Map(OWN_TYPENAMES.map((typename) => [names.types.get(typename), typename]));
  /** Loads an object of Hookgraph by its id; returns `undefined` for any other id. */
  const find: Find = (id, ctx) => {
    if (typeof id !== 'string' || !ctx) return undefined;
    const decoded = api.decodeId(id, ctx);
    const typename = decoded ? own.get(decoded.typename) : undefined;
    return decoded && typename ? load(api, { typename, key: decoded.key, ctx }) : undefined;
  };
  const { fields, ...config } = query.toConfig();
  const { node, nodes } = fields;
  return new GraphQLObjectType({
    ...config,
    fields: {
      ...fields,
      ...(node && looksUp(node, 'id', false) && { node: { ...node, resolve: findingNode(node, find) } }),
      ...(nodes && looksUp(nodes, 'ids', true) && { nodes: { ...nodes, resolve: findingNodes(nodes, find) } }),
    },
  });
}

type Find = (id: unknown, ctx: object | undefined) => Promise<object | null> | undefined;

async function load(api: Api, { typename, key, ctx }: { typename: OwnTypename; key: string; ctx: object }): Promise<object | null> {
  return rememberTypename(await api.load(typename, key, ctx), typename, true);
}

/** Whether the field looks up a Node, or a list of Nodes, by the argument `name` of type ID and requires no other argument. */
function looksUp({ type, args = {} }: Field, name: string, isList: boolean): boolean {
  const nullable = (of: unknown) => (isNonNullType(of) ? of.ofType : of);
  const asked = args[name];
  return (
    asked !== undefined &&
    getNamedType(asked.type).name === 'ID' &&
    getNamedType(type).name === 'Node' &&
    [asked.type, type].every((one) => isListType(nullable(one)) === isList) &&
    Object.entries(args).every(([other, arg]) => other === name || !isRequiredArgument({ ...arg, name: other } as never))
  );
}

function findingNode({ resolve }: Field, find: Find): Resolver {
  const theirs = resolve ?? defaultFieldResolver;
  return (root, args, ctx, info) => find(args.id, ctx) ?? theirs(root, args, ctx, info);
}

/** Returns a resolver for `nodes(ids:)`. It loads Hookgraph's objects, and passes only the other ids, if any, to the host's resolver. */
function findingNodes({ resolve }: Field, find: Find): Resolver {
  const theirs = resolve ?? defaultFieldResolver;
  return (root, args, ctx, info) => {
    const ids: unknown[] = Array.isArray(args.ids) ? args.ids : [];
    // An error is returned as a value, so that only its position in the list is null.
    const own = ids.map((id) => find(id, ctx)?.catch((error: unknown) => error));
    if (own.every((found) => found === undefined)) return theirs(root, args, ctx, info);
    const others = ids.filter((_, index) => own[index] === undefined);
    return fillIn(own, others.length > 0 ? theirs(root, { ...args, ids: others }, ctx, info) : []);
  };
}

/** Fills the host's results, in order, into the positions of the ids that aren't Hookgraph's. */
async function fillIn(own: (Promise<unknown> | undefined)[], theirs: unknown): Promise<unknown[]> {
  const answered = await theirs;
  const rest: unknown[] = Array.isArray(answered) ? [...answered] : [];
  return own.map((found) => found ?? rest.shift() ?? null);
}
