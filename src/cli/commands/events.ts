// Adds the commands that list recorded changes and show what became of one for each subscription.
import { stringifyJson } from '../../runtime/exact-json.mjs';
import { WHY_NOT_CODES } from '../../webhooks/fields.js';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, addCommand, type Cli, type Command, InvalidArgumentError, moment, Option } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { addList } from '../list.js';
import { called } from '../saving.js';
import { withChoices } from '../suggest.js';

const EVENT = 'id databaseId operation occurredAt nodeType nodeId changedFields actor';
const LIST = `query ($nodeId: ID, $nodeType: String, $operation: WebhookOperation, $min: DateTime, $max: DateTime,
  $actor: JSON, $decisions: [WebhookWhyNotCode!], $subscription: ID, $first: Int, $after: String) {
  webhookEvents(nodeId: $nodeId, nodeType: $nodeType, operation: $operation, occurredAtMin: $min, occurredAtMax: $max,
    actor: $actor, decisions: $decisions, webhookSubscriptionId: $subscription, first: $first, after: $after) {
    nodes { ${EVENT} } pageInfo { hasNextPage endCursor } } }`;
const WHOLE = `${EVENT} before after decisions { code reason delivery { databaseId state } webhookSubscription { id name } }`;

/** Collects properties such as `userId=7`. */
function property(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write a name and a value, such as userId=7.');
  return { ...before, [name]: value };
}

interface Selection {
  node?: string;
  type?: string;
  operation?: string;
  since?: string;
  until?: string;
  actor?: Record<string, string>;
  decision?: string[];
  webhook?: string;
}

export function addEvents(program: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  const events = addCommand(program, 'events', 'list and inspect the recorded changes of nodes', []);
  addList<Selection>(events, cli, {
    description: 'list recorded changes, newest first',
    examples: [
      'events list --type User --since 2h',
      'events list --node VXNlcjox --json',
      'events list --decision SKIPPED_VALIDATION --actor userId=7',
    ],
    filter: (command) =>
      command
        .option('--node <id>', 'only changes of this node, by its global id')
        .option('--type <type>', 'only changes of nodes of this type, such as User')
        .option('--operation <operation>', 'only nodes that were created, updated or deleted')
        .option('--since <moment>', 'only changes at this time or later; default: one day ago', moment)
        .option('--until <moment>', 'only changes at this time or earlier', moment)
        .option('--actor <name=value>', 'only changes by an actor with this property, such as userId=7; can be repeated', property)
        .addOption(
          withChoices(
            new Option('--decision <code>', 'only changes about which this was decided; can be repeated'),
            Object.keys(WHY_NOT_CODES),
            true,
          ),
        )
        .option('--webhook <webhook>', 'only changes that this subscription decided about; with --decision, so'),
    find: async (client, { node, type, operation, since, until, actor, decision, webhook }, limit) => {
      const subscription = webhook === undefined ? null : (await findSubscription(client, webhook)).id;
      const period = { min: since, max: until };
      const about = { nodeId: node, nodeType: type, operation: operation?.toUpperCase() };
      return client.list(LIST, { ...about, ...period, actor: actor ?? null, decisions: decision ?? null, subscription }, limit);
    },
    none: 'No changes match.',
    columns: {
      id: ({ databaseId }) => databaseId,
      at: ({ occurredAt }) => occurredAt,
      operation: ({ operation }) => operation,
      type: ({ nodeType }) => nodeType,
      node: ({ nodeId }) => nodeId,
      changed: ({ changedFields }) => changedFields.join(', '),
    },
  });
  addAnswering(events, 'show <event>', 'show a change with its values, and why each subscription did or did not send it', [
    'events show 7263548190000127',
  ]).action(async (id: string, options: Answering) => {
    const event = await findOne(await connect(), 'WebhookEvent', id, WHOLE);
    if (options.json) return terminal.json(event);
    terminal.details([
      ['event', event.databaseId],
      ['change', `${event.operation} at ${event.occurredAt}${event.changedFields.length > 0 ? `: ${event.changedFields.join(', ')}` : ''}`],
      ['node', `${event.nodeType} ${event.nodeId}`],
      ['before', event.before && stringifyJson(event.before)],
      ['after', event.after && stringifyJson(event.after)],
      ['actor', event.actor && stringifyJson(event.actor)],
    ]);
    terminal.table(
      ['webhook', 'code', 'reason'],
      event.decisions.map(({ webhookSubscription, code, reason }: Answer) => [called(webhookSubscription), code, reason]),
    );
  });
}
