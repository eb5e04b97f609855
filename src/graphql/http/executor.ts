// An operation in, its answer out: by graphql-js, as stored queries are executed, instead of yoga's own executor, which is slower.
import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

export const useExecutor = (): Plugin => ({
  onExecute: ({ setExecuteFn }) => setExecuteFn((args: ExecutionArgs) => toldApart(execute(args))),
});

/** What could not begin, for its variables or its name, is the request's mistake: yoga reads the status here. */
function toldApart(answer: ExecutionResult | Promise<ExecutionResult>): ExecutionResult | Promise<ExecutionResult> {
  if (!('errors' in answer) || 'data' in answer) return answer;
  const errors = answer.errors?.map(({ message, nodes, source, positions, path, originalError, extensions }) => {
    const http = { status: 400 };
    return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions: { ...extensions, http } });
  });
  return { ...answer, errors };
}
