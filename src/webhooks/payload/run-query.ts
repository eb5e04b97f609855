// A stored query and a delivery's node -> the answer `{ data }` as its owner sees it, or whose fault there is none.
import { type DocumentNode, type ExecutionResult, execute, type GraphQLError } from 'graphql';
import type { Engine } from '../base/engine.js';

export type QueryAnswer = { data: unknown } | { refused: string };

/**
 * Executes in-process. Errors that the host calls data (a null for lack of rights) stay nulls in the answer.
 * @throws Error for a failure of ours: run again, nothing charged.
 */
export async function runQuery(
  engine: Engine,
  document: DocumentNode,
  context: object,
  variables: { nodeId: string; nodeType: string },
): Promise<QueryAnswer> {
  const result: ExecutionResult = await execute({
    schema: engine.host.schema(),
    document,
    contextValue: context,
    variableValues: variables,
  });
  const ours = result.errors?.find((error) => engine.host.faultOf(error) === 'ours');
  if (ours) throw new Error(`The stored query failed for a reason of ours: ${ours.message}`, { cause: ours.originalError ?? ours });
  const theirs = result.errors?.filter((error) => engine.host.faultOf(error) === 'node') ?? [];
  if (theirs.length > 0) return { refused: theirs.map(describe).join('\n') };
  return { data: result.data ?? null };
}

const describe = (error: GraphQLError): string => (error.path ? `${error.message} (at ${error.path.join('.')})` : error.message);
