// Suggests known names for a mistyped one, and checks choices before the server is asked.
import { InvalidArgumentError, type Option } from 'commander';
import { didYouMean } from 'graphql/jsutils/didYouMean.js';
import { suggestionList } from 'graphql/jsutils/suggestionList.js';
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Answer, Client } from './client.js';
import { collect } from './command.js';

/** Maximum number of suggestions. */
const MOST = 1;

/** Returns ` Did you mean "…"?` with the nearest names; '' when none is near. */
export function suggest(name: string, known: readonly string[]): string {
  const near = suggestionList(
    name.toLowerCase(),
    [...new Set(known)].map((one) => one.toLowerCase()),
  );
  return didYouMean(near.slice(0, MOST).map((lower) => known.find((one) => one.toLowerCase() === lower) as string));
}

/** Makes an option accept these values in upper or lower case, and list them in its help. */
export function withChoices(option: Option, values: readonly string[], isRepeated = false): Option {
  const check = (text: string): string => {
    const found = values.find((value) => value.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`The choices are ${values.join(', ')}.${suggest(text, values)}`);
    return found;
  };
  option.choices([...values]);
  return isRepeated
    ? option.argParser((text: string, before: string[] | undefined) => collect(check(text), before))
    : option.argParser<string>(check);
}

const TOPICS = `query ($first: Int, $after: String) { webhookTopics(first: $first, after: $after) { nodes { key } pageInfo { hasNextPage endCursor } } }`;

const topicKeys = async (client: Client): Promise<string[]> =>
  (await client.list(TOPICS, {}, Number.POSITIVE_INFINITY)).map(({ key }: Answer) => key);

/** Suggests topics for a key that the API doesn't know; '' when it knows the key. */
export async function suggestTopic(client: Client, key: string): Promise<string> {
  const known = await topicKeys(client);
  return known.includes(key) ? '' : suggest(key, known);
}

/** @throws RuntimeError `NOT_FOUND` with the likely intended key, when there is no such topic */
export async function refuseUnknownTopic(client: Client, key: string): Promise<void> {
  const known = await topicKeys(client);
  if (!known.includes(key))
    throw new RuntimeError(
      'NOT_FOUND',
      `There is no topic ${JSON.stringify(key)}.${suggest(key, known)}`,
      '`hookgraph topics list` lists all topics.',
    );
}
