// A graphql-yoga plugin that answers in JSON when the client accepts none of yoga's content types.
import type { Plugin, processRegularResult } from 'graphql-yoga';

/**
 * Yoga would answer 406 without a body, after it has run the operation: a client might repeat a mutation that has happened.
 * GraphQL over HTTP lets a server disregard the Accept header.
 */
export const useJsonAnswers = (toJson: typeof processRegularResult): Plugin => ({
  onResultProcess({ resultProcessor, setResultProcessor }) {
    if (!resultProcessor) setResultProcessor(toJson, 'application/json');
  },
});

/** A path that never occurs in a URL, because yoga would answer requests whose URL ends with it by an empty response. */
export const NO_HEALTH_CHECK = ' ';
