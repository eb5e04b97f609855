// Names each request by an id, which its answer, its errors and the log lines about it repeat.
import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from '../../runtime/logger.js';
import { logMasked } from './mask-error.js';

export const REQUEST_ID_HEADER = 'X-Request-Id';

/** Ids from clients and proxies that are accepted: those that need no escaping in log lines and headers. */
const HARMLESS = /^[A-Za-z0-9._:-]{1,64}$/;

/** Returns the id that the request brings in `X-Request-Id` if it is short and harmless, else a new one. */
export const requestIdOf = (header: string | string[] | null | undefined): string =>
  typeof header === 'string' && HARMLESS.test(header) ? header : randomUUID();

/** The property of a context that holds the id of its request. */
export const REQUEST_ID = Symbol('request id');

/** A graphql-yoga plugin that adds the request's id to the extensions of each error, and logs internal errors with it. */
export const useRequestIds = (log: Logger): Plugin => ({
  onResultProcess({ result, setResult, serverContext }) {
    if (!('errors' in result) || !result.errors) return;
    const { [REQUEST_ID]: requestId } = serverContext as { [REQUEST_ID]?: string };
    for (const error of result.errors) logMasked(error, log, requestId);
    if (requestId !== undefined) setResult({ ...result, errors: result.errors.map((error) => withRequestId(error, requestId)) });
  },
});

export function withRequestId(error: Error, requestId: string): GraphQLError {
  const { message, nodes, source, positions, path, originalError, extensions } = error as GraphQLError;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions: { ...extensions, requestId } });
}
