// Refuses oversized responses, as a plugin of graphql-yoga: a query can select a long recorded body under many aliases.
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { isLonger } from '../webhooks/index.js';

/** Maximum number of characters of a response as JSON. The count leaves out escape characters and most digits of numbers. */
const MAX_ANSWER_LENGTH = 32 * 1024 * 1024;

export const useAnswerLimit = (): Plugin => ({
  onExecute: () => ({
    onExecuteDone({ result, setResult }) {
      if (!isLonger('data' in result ? result.data : null, MAX_ANSWER_LENGTH)) return;
      const message = `The response has more than ${MAX_ANSWER_LENGTH} characters, which is the limit. Request fewer fields or smaller pages.`;
      setResult({ errors: [new GraphQLError(message)] });
    },
  }),
});
