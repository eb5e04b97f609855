// Lets the host's types and look-ups that stand for ours answer our values; everything else goes to the host's resolvers untouched.
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

/** The host's type that stands for ours of the same name. */
export function readOwnValues(theirs: GraphQLNamedType, names: MergedNames): GraphQLNamedType {
  if (isInterfaceType(theirs)) return resolvingOwnTypes(theirs, names);
  const Own = OWN_VALUES[theirs.name];
  if (!Own || !isObjectType(theirs)) return theirs;
  const { fields, isTypeOf, ...config } = theirs.toConfig();
  return new GraphQLObjectType({
    ...config,
    isTypeOf: isTypeOf && ((value, ctx, info) => value instanceof Own || isTypeOf(value, ctx, info)),
    fields: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, readingOwn(field, name, Own)])),
  });
}

type Field = GraphQLFieldConfig<unknown, object>;
type Resolver = GraphQLFieldResolver<unknown, object>;

/** Without a resolver of the host's, the property of that name is answered anyhow. */
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

/** The host's root type, whose `node(id:)` and `nodes(ids:)`, where it has such, find our objects too. */
export function findOwnNodes(query: GraphQLObjectType, { api, names }: { api: Api; names: MergedNames }): GraphQLObjectType {
  const own = new Map(OWN_TYPENAMES.map((typename) => [names.types.get(typename), typename]));
  /** `undefined` for an id that isn't ours. */
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

/** Whether the field answers the interface Node by this argument of the type ID alone. */
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

/** The host is asked for its own ids only, and not at all when there are none. */
function findingNodes({ resolve }: Field, find: Find): Resolver {
  const theirs = resolve ?? defaultFieldResolver;
  return (root, args, ctx, info) => {
    const ids: unknown[] = Array.isArray(args.ids) ? args.ids : [];
    // An error is the error of its place in the list.
    const own = ids.map((id) => find(id, ctx)?.catch((error: unknown) => error));
    if (own.every((found) => found === undefined)) return theirs(root, args, ctx, info);
    const others = ids.filter((_, index) => own[index] === undefined);
    return fillIn(own, others.length > 0 ? theirs(root, { ...args, ids: others }, ctx, info) : []);
  };
}

/** Puts the host's answers, in their order, where none is ours. */
async function fillIn(own: (Promise<unknown> | undefined)[], theirs: unknown): Promise<unknown[]> {
  const answered = await theirs;
  const rest: unknown[] = Array.isArray(answered) ? [...answered] : [];
  return own.map((found) => found ?? rest.shift() ?? null);
}
