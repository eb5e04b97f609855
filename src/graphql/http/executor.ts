// A graphql-yoga plugin that executes operations with graphql-js, like stored queries, because yoga's own executor is
// slower.
import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

export const useExecutor = (): Plugin => ({
  onExecute: ({ setExecuteFn }) => setExecuteFn((args: ExecutionArgs) => withStatus(execute(args))),
});

/** Sets the HTTP status 400 on a result without `data`: the variables or the operation name of the request are invalid. */
function withStatus(result: ExecutionResult | Promise<ExecutionResult>): ExecutionResult | Promise<ExecutionResult> {
  if (!('errors' in result) || 'data' in result) return result;
  const errors = result.errors?.map(({ message, nodes, source, positions, path, originalError, extensions }) => {
    const http = { status: 400 };
    return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions: { ...extensions, http } });
  });
  return { ...result, errors };
}
