// An answer in, the same or a refusal out: every field of a page may be as long as a body, and asked for under many aliases.
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { isLonger } from '../webhooks/index.js';

/** Characters of an answer as JSON, before escapes. */
const MAX_ANSWER_LENGTH = 32 * 1024 * 1024;

export const useAnswerLimit = (): Plugin => ({
  onExecute: () => ({
    onExecuteDone({ result, setResult }) {
      if (!isLonger('data' in result ? result.data : null, MAX_ANSWER_LENGTH)) return;
      const message = `The answer has more than ${MAX_ANSWER_LENGTH} characters, which is the limit: ask for less at once.`;
      setResult({ errors: [new GraphQLError(message)] });
    },
  }),
});
