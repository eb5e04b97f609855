// Adds the commands that resend all deliveries that match a filter, and that list and cancel such actions.
import { setTimeout as wait } from 'node:timers/promises';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Answer, Client } from '../client.js';
import { type Answering, addAnswering, addCommand, type Cli, type Command } from '../command.js';
import { findOne } from '../find.js';
import { addList } from '../list.js';
import { relative } from '../shorten.js';

const ACTION = 'id databaseId kind state matchedCount doneCount progress createdAt finishedAt';
const LIST = `query ($first: Int, $after: String) { webhookBulkActions(first: $first, after: $after) {
  nodes { ${ACTION} } pageInfo { hasNextPage endCursor } } }`;
const CANCEL = `mutation ($id: ID) { cancelWebhookBulkAction(id: $id) { errors { field fullMessage type } webhookBulkAction { ${ACTION} } } }`;
const RESEND = `mutation ($input: ResendWebhookDeliveriesInput!) { resendWebhookDeliveries(input: $input) {
  errors { field fullMessage type } webhookBulkAction { ${ACTION} } } }`;
const POLL_MS = 500;

interface Resending extends Answering {
  asNew?: true;
  follow?: true;
}

/**
 * Adds `deliveries resend`.
 * @param filtering adds the options that select deliveries
 * @param conditionsOf returns the conditions of the API for these options
 */
export function addResendMatching<Filter extends object>(
  deliveries: Command,
  { terminal, connect, interrupted }: Cli,
  { filtering, conditionsOf }: { filtering(command: Command): Command; conditionsOf(client: Client, filter: Filter): Promise<object> },
): void {
  filtering(
    addAnswering(deliveries, 'resend', 'send again all deliveries that match the options; workers do it step by step', [
      'deliveries resend --webhook "CRM users" --state FAILED --since 2h --follow',
      'deliveries resend --status 5xx --as-new --json',
    ]),
  )
    .option('--as-new', 'send new deliveries with new ids, which a receiver that ignores repetitions takes')
    .option('--follow', 'show progress until all are sent again; after Ctrl-C the workers continue')
    .action(async ({ asNew, follow, json, ...filter }: Resending & Filter) => {
      const client = await connect();
      const conditions = await conditionsOf(client, filter as unknown as Filter);
      if (Object.values(conditions).every((value) => value == null))
        throw new RuntimeError(
          'USAGE',
          'You passed no option that selects deliveries',
          'Pass at least one, such as --state FAILED or --since 2h.',
        );
      let { webhookBulkAction: action } = await client.mutate(RESEND, { input: { ...conditions, asNew: asNew ?? false } });
      const signal = interrupted();
      while (follow && action.state === 'RUNNING' && !signal.aborted) {
        terminal.progress(progressOf(action));
        await wait(POLL_MS, undefined, { signal }).catch(() => {});
        action = await findOne(client, 'WebhookBulkAction', action.id, ACTION);
      }
      if (json) return terminal.json(action);
      terminal.say(`Action ${action.databaseId} is ${action.state}: ${progressOf(action)}.`);
    });
}

const progressOf = ({ progress, doneCount, matchedCount }: Answer): string =>
  `${Math.round(progress * 100)} %, ${doneCount} of ${matchedCount} ${matchedCount === 1 ? 'delivery is' : 'deliveries are'} due again`;

export function addBulkActions(program: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  const actions = addCommand(program, 'actions', 'list and cancel actions on many deliveries or errors', []);
  addList(actions, cli, {
    description: 'list your actions on many deliveries or errors, newest first',
    examples: ['actions list'],
    filter: (command) => command,
    find: (client, _filter, limit) => client.list(LIST, {}, limit),
    none: 'You have no actions on many deliveries or errors.',
    columns: {
      id: ({ databaseId }) => databaseId,
      started: ({ createdAt }) => relative(createdAt),
      action: ({ kind }) => kind,
      state: ({ state }) => state,
      done: ({ doneCount }) => doneCount,
      matched: ({ matchedCount }) => matchedCount,
    },
  });
  addAnswering(actions, 'cancel <action>', 'cancel an action; what it has changed so far stays changed', [
    'actions cancel 7263548190000130',
  ]).action(async (id: string, options: Answering) => {
    const { webhookBulkAction: action } = await (await connect()).mutate(CANCEL, { id });
    if (options.json) terminal.json(action);
    else terminal.say(`Action ${action.databaseId} is ${action.state}.`);
  });
}
