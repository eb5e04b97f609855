// Replaces internal errors by a message without details before they reach a client.
import { randomUUID } from 'node:crypto';
import { PothosValidationError } from '@pothos/core';
import { GraphQLError } from 'graphql';
import type { Logger } from '../../runtime/logger.js';
import { WebhooksError } from '../../webhooks/index.js';

/** Maps an error that a client sees to the internal error that it replaces, until the internal error is logged. */
const masked = new WeakMap<object, { error: unknown; errorId: string; path: string | undefined }>();

/** Logs the internal error that `shown` replaces, if it replaces one. */
export function logMasked(shown: object, log: Logger, requestId: string | undefined): void {
  const internal = masked.get(shown);
  masked.delete(shown);
  if (internal)
    log.error(
      { ...internal, ...(requestId !== undefined && { requestId }) },
      'a resolver threw an internal error; the client sees only its errorId',
    );
}

/** Returns an error that the client caused unchanged. Replaces an internal error by a message with an id; `logMasked` logs the error. */
export function maskError(error: unknown): Error {
  if (!(error instanceof GraphQLError)) return mask(error);
  const cause = error.originalError;
  if (!cause || cause instanceof GraphQLError) return withoutValue(error);
  if (cause instanceof PothosValidationError) return error;
  // KEYS_MISMATCH stays internal, because only an operator can correct the encryption keys.
  if (cause instanceof WebhooksError && cause.code !== 'KEYS_MISMATCH')
    return withExtensions(error, cause.message, { code: cause.code, ...(cause.hint && { hint: cause.hint }) });
  return mask(cause, error);
}

function mask(cause: unknown, error?: GraphQLError): GraphQLError {
  const id = randomUUID();
  const extensions = { code: 'INTERNAL_SERVER_ERROR', errorId: id };
  const shown = withExtensions(error, `The request failed with an internal error (error ${id}).`, extensions);
  masked.set(shown, { error: cause, errorId: id, path: error?.path?.join('.') });
  return shown;
}

/**
 * Removes the invalid value that graphql-js repeats in its message, because the value may contain a secret and clients
 * log messages.
 */
function withoutValue(error: GraphQLError): GraphQLError {
  const shorten = (message: string) => /^\w+ cannot represent [^:]+(?=: )/.exec(message)?.[0] ?? message;
  const variable = /^Variable "\$\w+" got invalid value/.exec(error.message)?.[0];
  if (variable === undefined) {
    const message = shorten(error.message);
    return message === error.message ? error : withExtensions(error, message, error.extensions);
  }
  const cause = error.originalError?.message ?? '';
  const position = / at "[^"]*"$/.exec(error.message.slice(0, -`; ${cause}`.length))?.[0] ?? '';
  return withExtensions(error, `${variable}${position}; ${shorten(cause)}`, error.extensions);
}

function withExtensions(error: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  return new GraphQLError(message, {
    nodes: error?.nodes,
    source: error?.source,
    positions: error?.positions,
    path: error?.path,
    extensions,
  });
}
