// Adds `errors list` and `errors dismiss`, for the errors of failed deliveries.
import { RuntimeError } from '../../runtime/runtime-error.js';
import { STAGES } from '../../webhooks/fields.js';
import type { Client } from '../client.js';
import { type Answering, addAnswering, addCommand, type Cli, type Command, Option } from '../command.js';
import { addList, addSelection, type Selection, selectionOf, topicOf, webhookOf } from '../list.js';
import { relative } from '../shorten.js';
import { withChoices } from '../suggest.js';

const LIST = `query ($id: ID, $stage: WebhookStage, $topicKey: String, $min: DateTime, $max: DateTime, $first: Int, $after: String) {
  webhookErrors(webhookSubscriptionId: $id, stage: $stage, topicKey: $topicKey, createdAtMin: $min, createdAtMax: $max, first: $first, after: $after) {
    nodes { id databaseId createdAt outcome stage message topic { key } nodeId webhookDelivery { id databaseId } webhookSubscription { id name } }
    pageInfo { hasNextPage endCursor } } }`;
const DISMISS = 'mutation ($ids: [ID!]) { deleteWebhookErrors(ids: $ids) { errors { field fullMessage type } deletedIds } }';
const AT_ONCE = 1000;

interface Filter extends Selection {
  stage?: string;
}

const find = async (client: Client, { stage, ...selection }: Filter, limit: number) =>
  client.list(LIST, { ...(await selectionOf(client, selection)), stage }, limit);

const filtering = (command: Command): Command =>
  addSelection(
    command,
    'errors',
    withChoices(new Option('--stage <stage>', 'only errors of this stage'), Object.keys(STAGES)),
    'errors recorded',
  );

export function addErrors(program: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  const errors = addCommand(program, 'errors', 'list and dismiss errors, which are failed attempts', []);
  addList<Filter>(errors, cli, {
    description: 'list the errors that are not dismissed, newest first',
    examples: ['errors list --since 1d', 'errors list --webhook "CRM users" --stage TIMEOUT'],
    filter: filtering,
    find,
    none: 'No errors match.',
    columns: {
      id: ({ databaseId }) => databaseId,
      at: ({ createdAt }) => relative(createdAt),
      webhook: webhookOf,
      topic: topicOf,
      stage: ({ stage }) => stage,
      delivery: ({ webhookDelivery }) => webhookDelivery?.databaseId,
      message: ({ message }) => message,
    },
  });
  filtering(
    addAnswering(
      errors,
      'dismiss [error...]',
      'dismiss errors by id, or with --all every error that matches the options; their attempts are kept',
      ['errors dismiss 7263548190000129', 'errors dismiss --webhook "CRM users" --all'],
    ),
  )
    .option('--all', 'dismiss every error that matches the other options')
    .action(async (ids: string[], options: Filter & Answering & { all?: true }) => {
      if (ids.length > 0 === (options.all === true))
        throw new RuntimeError(
          'USAGE',
          ids.length > 0 ? 'Both ids of errors and --all were given' : 'Neither ids of errors nor --all were given',
          'Pass either ids, or --all with options that select errors; see `hookgraph errors dismiss --help`.',
        );
      const client = await connect();
      const named = options.all ? (await find(client, options, Number.POSITIVE_INFINITY)).map(({ id }) => id as string) : ids;
      const dismissed: string[] = [];
      for (let at = 0; at < named.length; at += AT_ONCE)
        dismissed.push(...(await client.mutate(DISMISS, { ids: named.slice(at, at + AT_ONCE) })).deletedIds);
      if (options.json) terminal.json(dismissed);
      else terminal.say(`${dismissed.length} ${dismissed.length === 1 ? 'error was' : 'errors were'} dismissed.`);
    });
}
