// Executes GraphQL operations in pieces, so that parties share the event loop by the time that they use: root fields, results of
// resolvers and parts of long lists each wait for the party's turn.
import {
  defaultFieldResolver,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { type Account, loopShare } from '../../../runtime/loop-share.js';
import { GROUP } from '../../../runtime/waiting-pieces.js';

/** Maximum number of objects of a list that are completed in one piece: a page. In smaller parts, a loader would ask once for each. */
const PART = GROUP;
/** Number of fields of the objects of a piece above which it has fewer objects: those take about 2 ms. */
const FIELDS_PER_PART = 1_000;

/** The account of each execution, by its context. */
const accounts = new WeakMap<object, Account>();
const prepared = new WeakSet<GraphQLSchema>();

/** Executes an operation. Waits for the account's turn first. `contextValue` must belong to this execution alone. */
export function executeInTurns(
  args: ExecutionArgs & { contextValue: object },
  account: Account,
): Promise<ExecutionResult> | ExecutionResult {
  if (!prepared.has(args.schema)) shareFields(args.schema);
  accounts.set(args.contextValue, account);
  account.mustEnd = getOperationAST(args.document, args.operationName)?.operation === 'mutation';
  const turn = loopShare.turnBesideOthers(account);
  return turn ? turn.then(() => execute(args)) : execute(args);
}

/**
 * Wraps the resolvers of a schema that returns objects, in place. They behave as before in executions without an account, such as those
 * of the host.
 */
function shareFields(schema: GraphQLSchema): void {
  prepared.add(schema);
  const roots = [schema.getQueryType(), schema.getMutationType()];
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    const isRoot = roots.includes(type);
    for (const field of Object.values(type.getFields())) {
      if (isLeafType(getNamedType(field.type))) continue;
      const isList = isListType(getNullableType(field.type));
      field.resolve = inTurns(field.resolve ?? defaultFieldResolver, { isRoot, isList });
    }
  }
}

type Resolve = GraphQLFieldResolver<unknown, unknown>;

function inTurns(resolve: Resolve, { isRoot, isList }: { isRoot: boolean; isList: boolean }): Resolve {
  return (source, args, context, info) => {
    const account = accounts.get(context as object);
    if (!account) return resolve(source, args, context, info);
    const turn = isRoot ? loopShare.turnBesideOthers(account) : undefined;
    const value = turn ? turn.then(() => resolve(source, args, context, info)) : resolve(source, args, context, info);
    const part = isList ? partOf(info) : PART;
    if (!isPromise(value)) return isList ? inParts(value, part, account) : value;
    return value.then((read) => {
      const next = loopShare.turnBesideOthers(account, isList && Array.isArray(read) ? Math.min(read.length, part) : 1);
      const completed = () => (isList ? inParts(read, part, account) : read);
      return next ? next.then(completed) : completed();
    });
  };
}

/** Returns the number of objects of a list that are completed in one piece: fewer when many fields of each were asked for. */
function partOf({ fieldNodes, fragments }: GraphQLResolveInfo): number {
  let fields = 0;
  for (const { selectionSet } of fieldNodes) fields += selectionSet ? fieldsOf(selectionSet, fragments) : 0;
  return Math.max(1, Math.min(PART, Math.floor(FIELDS_PER_PART / Math.max(1, fields))));
}

const counted = new WeakMap<SelectionSetNode, number>();

/** Returns the number of fields in a selection, those of its fragments and of the objects in it included. */
function fieldsOf(selection: SelectionSetNode, fragments: GraphQLResolveInfo['fragments']): number {
  const known = counted.get(selection);
  if (known !== undefined) return known;
  let count = 0;
  for (const part of selection.selections) {
    const inner = part.kind === Kind.FRAGMENT_SPREAD ? fragments[part.name.value]?.selectionSet : part.selectionSet;
    count += (part.kind === Kind.FIELD ? 1 : 0) + (inner ? fieldsOf(inner, fragments) : 0);
  }
  counted.set(selection, count);
  return count;
}

/** Returns a list whose items after the first part are promises, each of which resolves at the turn of its part. */
function inParts(list: unknown, size: number, account: Account): unknown {
  if (!Array.isArray(list) || list.length <= size) return list;
  const items: unknown[] = list.slice(0, size);
  for (let from = size; from < list.length; from += size) {
    const part = list.slice(from, from + size) as unknown[];
    const turn = loopShare.later(account, part.length);
    for (const item of part) {
      // graphql-js sees the failure when the item's turn comes.
      if (isPromise(item)) item.catch(() => {});
      items.push(turn.then(() => item));
    }
  }
  return items;
}

const isPromise = (value: unknown): value is Promise<unknown> => typeof (value as Promise<unknown> | null)?.then === 'function';
