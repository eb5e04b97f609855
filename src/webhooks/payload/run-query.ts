// A stored query and a delivery's node -> the answer `{ data }` as its owner sees it, or why this node's can't be used.
import { type DocumentNode, type ExecutionResult, execute, GraphQLError } from 'graphql';
import { ExactNumber } from '../../runtime/exact-json.mjs';
import type { Engine } from '../base/engine.js';
import { WebhooksError } from '../base/errors.js';

/** `isWhole`: no resolver answered an error. */
export type QueryAnswer = { data: unknown; isWhole: boolean } | { refused: string };

/** Characters of an answer as JSON. */
export const MAX_ANSWER_LENGTH = 1_048_576;

/**
 * Executes in-process. Errors that the host calls data (a null for lack of rights) stay nulls in the answer.
 * @throws Error for a failure of ours: run again, nothing charged.
 */
export async function runQuery(
  engine: Engine,
  document: DocumentNode,
  context: object,
  variables: Record<string, unknown>,
): Promise<QueryAnswer> {
  const { host } = engine;
  const result = await executeInTime(engine, document, context, variables);
  if (!result) return { refused: `The query took longer than ${deadlineOf(engine)} ms, which is the limit.` };
  const ours = result.errors?.find((error) => host.faultOf(error) === 'ours');
  if (ours) throw new Error(`The stored query failed for a reason of ours: ${ours.message}`, { cause: ours.originalError ?? ours });
  const theirs = result.errors?.filter((error) => host.faultOf(error) === 'node') ?? [];
  if (theirs.length > 0)
    return {
      refused: theirs
        .slice(0, MAX_TOLD)
        .map((error) => describe(engine, error))
        .join('\n'),
    };
  if (isLonger(result.data, MAX_ANSWER_LENGTH))
    return { refused: `The query's answer has more than ${MAX_ANSWER_LENGTH} characters as JSON, which is the limit.` };
  return { data: result.data ?? null, isWhole: !result.errors?.length };
}

/** Of an execution; well within a lease. */
const DEADLINE_MS = 8000;

const deadlineOf = ({ settings }: Pick<Engine, 'settings'>): number => settings.queryDeadlineMs ?? DEADLINE_MS;

/** `null`: it took too long; what is still under way ends by the host's own limits. */
export function executeInTime(
  engine: Engine,
  document: DocumentNode,
  contextValue: object,
  variableValues: Record<string, unknown>,
): Promise<ExecutionResult | null> {
  const execution = execute({ schema: engine.host.schema(), document, contextValue, variableValues });
  return within(deadlineOf(engine), execution);
}

/** Errors of one answer that are told. */
const MAX_TOLD = 20;

async function within(deadlineMs: number, execution: ExecutionResult | Promise<ExecutionResult>): Promise<ExecutionResult | null> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), deadlineMs);
  });
  try {
    return await Promise.race([execution, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was meant for people is told; of anything else, which may quote our statements or paths, the operator's log has it. */
function describe({ log }: Engine, { message, path, originalError: cause }: GraphQLError): string {
  const isForPeople = !cause || cause instanceof GraphQLError || cause instanceof WebhooksError;
  if (!isForPeople) log.warn({ err: cause, path: path?.join('.') }, 'a resolver of a stored query failed');
  const told = isForPeople ? message : 'The resolver failed.';
  return path ? `${told} (at ${path.join('.')})` : told;
}

/** Counts no further than it has to; escapes and the digits of ordinary numbers are not counted, so that what is longer is longer. */
export function isLonger(value: unknown, limit: number): boolean {
  let left = limit;
  const count = (one: unknown): void => {
    if (left < 0) return;
    if (typeof one === 'string') left -= one.length + 2;
    else if (one instanceof ExactNumber) left -= String(one).length;
    else if (Array.isArray(one)) {
      left -= 1 + one.length;
      for (const item of one) count(item);
    } else if (typeof one === 'object' && one !== null) {
      left -= 1;
      for (const name in one) {
        left -= name.length + 4;
        count((one as Record<string, unknown>)[name]);
      }
    } else left -= 1;
  };
  count(value);
  return left < 0;
}
