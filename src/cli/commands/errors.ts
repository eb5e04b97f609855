// Adds the commands that list and dismiss delivery errors.
import { RuntimeError } from '../../runtime/runtime-error.js';
import {
  type Answering,
  addAnswering,
  addCommand,
  addListing,
  type Cli,
  type Command,
  type Listing,
  limitOf,
  moment,
  noteLimit,
} from '../command.js';
import { findSubscription } from '../find.js';
import type { Span } from './deliveries.js';

const LIST = `query ($id: ID, $stage: WebhookStage, $topicKey: String, $min: DateTime, $max: DateTime, $first: Int, $after: String) {
  webhookErrors(webhookSubscriptionId: $id, stage: $stage, topicKey: $topicKey, createdAtMin: $min, createdAtMax: $max, first: $first, after: $after) {
    nodes { id databaseId createdAt outcome stage message topic { key } nodeId webhookDelivery { id databaseId } webhookSubscription { id name } }
    pageInfo { hasNextPage endCursor } } }`;
const DISMISS = 'mutation ($ids: [ID!]) { deleteWebhookErrors(ids: $ids) { errors { field fullMessage type } deletedIds } }';
const AT_ONCE = 1000;

interface Filter extends Span {
  webhook?: string;
  stage?: string;
  topic?: string;
}

export function addErrors(program: Command, { terminal, connect }: Cli): void {
  const errors = addCommand(program, 'errors', 'list and dismiss failed attempts', []);
  const find = async (options: Filter, limit: number) => {
    const client = await connect();
    const id = options.webhook === undefined ? null : (await findSubscription(client, options.webhook)).id;
    const asked = { id, stage: options.stage?.toUpperCase(), topicKey: options.topic, min: options.since, max: options.until };
    return client.list(LIST, asked, limit);
  };
  const filtering = (command: Command): Command =>
    command
      .option('--webhook <webhook>', 'only errors of this subscription')
      .option('--stage <stage>', 'only errors of this stage, e.g. STATUS')
      .option('--topic <key>', 'only errors of this topic')
      .option('--since <moment>', 'only errors since then; ISO 8601, or a duration such as 2h', moment)
      .option('--until <moment>', 'only errors until then', moment);
  filtering(
    addListing(errors, 'list', 'list the errors that are not dismissed, newest first', [
      'errors list --since 1d',
      'errors list --webhook "CRM users" --stage TIMEOUT',
    ]),
  ).action(async (options: Listing & Filter) => {
    const found = await find(options, limitOf(options));
    if (options.json) return terminal.json(found);
    if (found.length === 0) terminal.note('No errors match.');
    else
      terminal.table(
        ['id', 'at', 'webhook', 'topic', 'stage', 'delivery', 'message'],
        found.map((one) => [
          one.databaseId,
          one.createdAt,
          one.webhookSubscription?.name ?? one.webhookSubscription?.id,
          one.topic?.key,
          one.stage,
          one.webhookDelivery?.databaseId,
          one.message,
        ]),
      );
    noteLimit(terminal, found.length, limitOf(options));
  });
  filtering(
    addAnswering(
      errors,
      'dismiss [error...]',
      'dismiss errors by id, or with --all every error that matches the options; the attempts are kept',
      ['errors dismiss 7263548190000129', 'errors dismiss --webhook "CRM users" --all'],
    ),
  )
    .option('--all', 'dismiss every error that matches the other options')
    .action(async (ids: string[], options: Filter & Answering & { all?: true }) => {
      if (ids.length > 0 === (options.all === true))
        throw new RuntimeError(
          'USAGE',
          'Neither ids of errors nor --all were given',
          'Pass ids, or --all with options that select errors; see `hookgraph errors dismiss --help`.',
        );
      const named = options.all ? (await find(options, Number.POSITIVE_INFINITY)).map(({ id }) => id as string) : ids;
      const client = await connect();
      const dismissed: string[] = [];
      for (let at = 0; at < named.length; at += AT_ONCE)
        dismissed.push(...(await client.mutate(DISMISS, { ids: named.slice(at, at + AT_ONCE) })).deletedIds);
      if (options.json) terminal.json(dismissed);
      else terminal.say(`${dismissed.length} ${dismissed.length === 1 ? 'error was' : 'errors were'} dismissed.`);
    });
}
