// A graphql-yoga plugin that answers in JSON where the client accepts nothing that yoga offers.
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

/** Ends no URL: yoga would answer requests to URLs with this ending by an empty response. */
export const NO_HEALTH_CHECK = ' ';
