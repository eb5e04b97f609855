// Runs a stored query as the subscription's owner, within time and size limits.
import { type DocumentNode, type ExecutionResult, GraphQLError } from 'graphql';
import { ExactNumber } from '../../runtime/exact-json.mjs';
import { NoSlotError } from '../../runtime/fair-share.js';
import { loopShare } from '../../runtime/loop-share.js';
import { LATE, QUERY_TOO_SLOW, within } from '../../runtime/time-limit.js';
import { QUERY_WAIT_MS } from '../base/deadlines.js';
import type { Engine } from '../base/engine.js';
import { HostFailed, type Place, WebhooksError } from '../base/errors.js';
import { executeInTurns } from '../base/query/execute-in-turns.js';

/**
 * The result of a stored query, or the reason (`refused`) why it can't be used for a payload, with the `place` in the query. `isWhole`: no
 * resolver returned an error. `isLate`: the query exceeded a time limit, which may be due to the load of this installation.
 */
export type QueryAnswer = { data: unknown; isWhole: boolean } | { refused: string; place?: Place; isLate?: boolean };

/** Maximum length of a query's result as JSON, in characters. */
export const MAX_ANSWER_LENGTH = 1_048_576;

/** Maximum nesting of objects and lists in a query's result. JSON.stringify() can handle some thousands of levels. */
export const MAX_ANSWER_DEPTH = 1_000;
/** A query, and the context in which it runs. `tenant`: the owner's organization, whose share of the event loop the query uses. */
export interface Question {
  tenant: string;
  document: DocumentNode;
  contextValue: object;
  variableValues: Record<string, unknown>;
  /** Called when the query has ended, with the milliseconds of the event loop that it took. */
  onQuery?: ((ms: number) => void) | undefined;
}

/**
 * Executes the query in this process. Errors that the host classes as `data` (Host.faultOf), such as missing rights, leave `null` in the
 * result.
 * @throws HostFailed for an error that the host classes as `ours`; the delivery is retried without counting an attempt
 */
export async function runQuery(engine: Engine, question: Question): Promise<QueryAnswer> {
  const { host } = engine;
  const result = await executeInTime(engine, question);
  if (!result) return { refused: `The query took longer than ${engine.deadlines.queryDeadlineMs} ms, which is the limit.`, isLate: true };
  throwIfOurs(engine, result.errors, 'Running the stored query failed');
  const isLate = result.errors?.some(isTooSlow) ?? false;
  const nodeErrors = result.errors?.filter((error) => isTooSlow(error) || host.faultOf(error) === 'node') ?? [];
  if (nodeErrors.length > 0)
    return {
      refused: nodeErrors
        .slice(0, MAX_SHOWN)
        .map((error) => describe(engine, error))
        .join('\n'),
      place: nodeErrors[0]?.locations?.[0],
      isLate,
    };
  if (isDeeper(result.data, MAX_ANSWER_DEPTH))
    return { refused: `The query's result has a value that is nested more than ${MAX_ANSWER_DEPTH} levels deep, which is the limit.` };
  if (isLonger(result.data, MAX_ANSWER_LENGTH))
    return { refused: `The query's result has more than ${MAX_ANSWER_LENGTH} characters as JSON, which is the limit.` };
  return { data: result.data ?? null, isWhole: !result.errors?.length };
}

/** Whether the error says that the statements of a query exceeded their time limit. */
export const isTooSlow = ({ extensions }: GraphQLError): boolean => extensions.code === QUERY_TOO_SLOW;

/** Throws the first error that the host classes as `ours`. `what`: the failed work, for the log. @throws HostFailed */
export function throwIfOurs({ host }: Pick<Engine, 'host'>, errors: readonly GraphQLError[] | undefined, what: string): void {
  const found = errors?.find((error) => error.originalError instanceof NoSlotError || host.faultOf(error) === 'ours');
  if (!found) return;
  const { message, path, originalError } = found;
  const where = path ? ` (at ${path.join('.')})` : '';
  throw new HostFailed(`${what}${where}: ${message}`, `A resolver of this API failed${where}. Its operator has to correct this.`, {
    cause: originalError ?? found,
  });
}

/**
 * Executes a query in the turns of its tenant. Returns `null` when the deadline passes; statements that are running then are not
 * cancelled, but no further ones start.
 * @throws HostFailed when the query waited too long for its turn; the delivery goes back into the queue without a counted attempt
 */
export async function executeInTime(engine: Engine, { tenant, onQuery, ...question }: Question): Promise<ExecutionResult | null> {
  const account = loopShare.open(tenant, 'a stored query', QUERY_WAIT_MS);
  const execution = executeInTurns({ ...question, schema: engine.host.schema() }, account);
  if (!(execution instanceof Promise)) return execution;
  const result = await within(engine.deadlines.queryDeadlineMs, execution.catch(noTurn));
  onQuery?.(account.ms);
  if (result !== LATE) return result;
  account.isOver = true;
  // The deadline is meant for the query itself. If it mostly waited for its turn, it is not at fault.
  return account.waitedMs > QUERY_WAIT_MS / 2 ? noTurn(new NoSlotError('The query waited too long for its turn.')) : null;
}

function noTurn(error: unknown): never {
  if (!(error instanceof NoSlotError)) throw error;
  throw new HostFailed(error.message, 'The query waited too long for its turn. It runs again by itself.', { cause: error });
}

/** Maximum number of resolver errors to show to the owner for one result. */
const MAX_SHOWN = 20;

/**
 * Returns the text that the owner sees for an error of a resolver: the message of a GraphQL or Hookgraph error. Messages of other errors
 * may quote SQL or file paths, so they are only logged.
 */
function describe({ log }: Engine, { message, path, originalError: cause }: GraphQLError): string {
  const isForPeople = !cause || cause instanceof GraphQLError || cause instanceof WebhooksError;
  if (!isForPeople)
    log.warn({ err: cause, path: path?.join('.') }, 'a resolver threw while running a stored query; the owner sees no details');
  const shown = isForPeople ? message : 'A resolver of this API failed.';
  return path ? `${shown} (at ${path.join('.')})` : shown;
}

/** Returns whether lists and objects are nested in more than `limit` levels. */
function isDeeper(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return false;
  if (limit === 0) return true;
  for (const name in value) if (isDeeper((value as Record<string, unknown>)[name], limit - 1)) return true;
  return false;
}

/**
 * Returns whether the value's JSON is longer than `limit` characters. Ignores escapes and most digits of numbers, so a value that is
 * slightly longer than the limit may pass. Stops counting at the limit.
 */
export function isLonger(value: unknown, limit: number): boolean {
  let left = limit;
  const count = (part: unknown): void => {
    if (left < 0) return;
    if (typeof part === 'string') left -= part.length + 2;
    else if (part instanceof ExactNumber) left -= String(part).length;
    else if (Array.isArray(part)) {
      left -= 1 + part.length;
      for (const item of part) count(item);
    } else if (typeof part === 'object' && part !== null) {
      left -= 1;
      for (const name in part) {
        left -= name.length + 4;
        count((part as Record<string, unknown>)[name]);
      }
    } else left -= 1;
  };
  count(value);
  return left < 0;
}
