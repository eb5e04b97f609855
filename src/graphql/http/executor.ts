// A graphql-yoga plugin that executes operations with graphql-js, like stored queries, and writes their results as JSON. Organizations
// take turns on the event loop.
import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { NoSlotError } from '../../runtime/fair-share.js';
import type { Account } from '../../runtime/loop-share.js';
import { executeInTurns } from '../../webhooks/index.js';
import { stringifyData } from './stringify-data.js';

export interface ExecutorOptions {
  /** Returns the account whose share of the event loop a request uses; `null`: the request doesn't take turns. */
  accountOf(context: object): Account | null;
  /** Maximum length of a response's data as JSON, in characters. */
  maxLength: number;
}

export const useExecutor = ({ accountOf, maxLength }: ExecutorOptions): Plugin => ({
  onExecute: ({ args: { contextValue }, setExecuteFn }) => {
    const account = accountOf(contextValue as object);
    setExecuteFn((args: ExecutionArgs) =>
      settle(account ? executeInTurns({ ...args, contextValue: contextValue as object }, account) : execute(args)),
    );
    return {
      async onExecuteDone({ result, setResult }) {
        if (!('data' in result) || result.data == null) return;
        const stringify = await stringifyData(result.data, { account, maxLength }).catch(busy);
        // Yoga serializes a result with its `stringify` method if it has one.
        if (typeof stringify === 'function') Object.assign(result, { stringify });
        else setResult(stringify ?? { errors: [new GraphQLError(tooLong(maxLength))] });
      },
    };
  },
});

const tooLong = (maxLength: number) =>
  `The response has more than ${maxLength} characters, which is the limit. Request fewer fields or smaller pages.`;

function settle(result: ExecutionResult | Promise<ExecutionResult>): ExecutionResult | Promise<ExecutionResult> {
  return result instanceof Promise ? result.then(withStatus, busy) : withStatus(result);
}

/** Sets the HTTP status 400 on a result without `data`: the variables or the operation name of the request are invalid. */
function withStatus(result: ExecutionResult): ExecutionResult {
  if (!('errors' in result) || 'data' in result) return result;
  const errors = result.errors?.map(({ message, nodes, source, positions, path, originalError, extensions }) => {
    const http = { status: 400 };
    return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions: { ...extensions, http } });
  });
  return { ...result, errors };
}

/** Returns the result of a request that waited too long for its turn. Rethrows any other error. */
function busy(error: unknown): ExecutionResult {
  if (!(error instanceof NoSlotError)) throw error;
  return { errors: [new GraphQLError(error.message, { extensions: { code: 'RATE_LIMITED', http: { status: 429 } } })] };
}
