// Executes GraphQL operations in pieces, so that parties share the event loop by the time that they use: root fields, results of
// resolvers and parts of long lists each wait for the party's turn.
import {
  defaultFieldResolver,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import { type Account, loopShare } from '../../../runtime/loop-share.js';
import { GROUP } from '../../../runtime/waiting-pieces.js';

/** Number of objects of a list that are completed in one piece: a page at most. In smaller parts, a loader would ask once for each. */
const PART = GROUP;

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
    if (!isPromise(value)) return isList ? inParts(value, account) : value;
    return value.then((read) => {
      const next = loopShare.turnBesideOthers(account, isList && Array.isArray(read) ? Math.min(read.length, PART) : 1);
      const completed = () => (isList ? inParts(read, account) : read);
      return next ? next.then(completed) : completed();
    });
  };
}

/** Returns a list whose items after the first part are promises, each of which resolves at the turn of its part. */
function inParts(list: unknown, account: Account): unknown {
  if (!Array.isArray(list) || list.length <= PART) return list;
  const items: unknown[] = list.slice(0, PART);
  for (let from = PART; from < list.length; from += PART) {
    const part = list.slice(from, from + PART) as unknown[];
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
