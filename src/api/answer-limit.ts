// Replaces a GraphQL response of more than 32 MiB by an error: a query can select a long recorded body under many aliases.
// Works as a plugin of graphql-yoga.
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { isLonger } from '../webhooks/index.js';

/** Maximum length of a response's JSON, in characters. An estimate: it leaves out escape characters and most digits of numbers. */
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
