// Executes GraphQL operations in pieces, so that organizations get fair shares of the event loop: root fields, results of resolvers and
// parts of long lists each wait for the organization's turn.
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
  type SelectionSetNode,
} from 'graphql';
import { type Account, loopShare } from '../../../runtime/loop-share.js';
import { GROUP } from '../../../runtime/waiting-pieces.js';

/** Number of fields to complete before other organizations get a turn: about 2 ms of work. */
const PIECE_FIELDS = 1_500;

/** The account (used time of the event loop) of each execution, by its context. */
const accounts = new WeakMap<object, Account>();
const prepared = new WeakSet<GraphQLSchema>();

/** Executes an operation, when it is the account's turn. `contextValue` must belong to this execution alone. */
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
 * Wraps, in place, the schema's resolvers that return objects. In executions without an account, e.g. those that the host starts itself,
 * the wrapped resolvers behave like the original ones.
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
    const inParts = (list: unknown[]) => partsOf(list, partSize(account, info), account);
    if (!isPromise(value)) return isList && Array.isArray(value) ? inParts(value) : value;
    return value.then((read) => {
      const list = isList && Array.isArray(read) ? read : null;
      const next = loopShare.turnBesideOthers(account, list ? Math.min(list.length, GROUP) : 1);
      const completed = () => (list ? inParts(list) : read);
      return next ? next.then(completed) : completed();
    });
  };
}

/**
 * Number of a list's objects to complete in one piece: at most GROUP. It is less if other accounts wait and each object has many fields.
 * A data loader then loads each part with one query.
 */
function partSize(account: Account, { fieldNodes, fragments }: GraphQLResolveInfo): number {
  if (loopShare.isAlone(account)) return GROUP;
  const fields = fieldNodes.reduce((sum, { selectionSet }) => sum + fieldsOf(selectionSet, fragments), 1);
  return Math.max(1, Math.min(GROUP, Math.floor(PIECE_FIELDS / fields)));
}

const counted = new WeakMap<SelectionSetNode, number>();

/** The number of fields in a selection, including the fields of nested selections. */
function fieldsOf(selectionSet: SelectionSetNode | undefined, fragments: GraphQLResolveInfo['fragments']): number {
  if (!selectionSet) return 0;
  let fields = counted.get(selectionSet);
  if (fields === undefined) {
    fields = 0;
    for (const selection of selectionSet.selections) {
      const of = selection.kind === 'FragmentSpread' ? fragments[selection.name.value]?.selectionSet : selection.selectionSet;
      fields += (selection.kind === 'Field' ? 1 : 0) + fieldsOf(of, fragments);
    }
    counted.set(selectionSet, fields);
  }
  return fields;
}

/** Returns the list with each item after the first part as a promise that resolves when it is the turn of the item's part. */
function partsOf(list: unknown[], size: number, account: Account): unknown[] {
  if (list.length <= size) return list;
  const items: unknown[] = list.slice(0, size);
  for (let from = size; from < list.length; from += size) {
    const part = list.slice(from, from + size);
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
