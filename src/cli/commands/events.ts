// Adds the commands that list recorded changes and show what became of one for each subscription.
import { stringifyJson } from '../../runtime/exact-json.mjs';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, addCommand, type Cli, type Command, moment } from '../command.js';
import { findOne } from '../find.js';
import { addList } from '../list.js';
import { called } from '../saving.js';

const EVENT = 'id databaseId operation occurredAt nodeType nodeId changedFields actor';
const LIST = `query ($nodeId: ID, $nodeType: String, $operation: WebhookOperation, $min: DateTime, $max: DateTime, $first: Int, $after: String) {
  webhookEvents(nodeId: $nodeId, nodeType: $nodeType, operation: $operation, occurredAtMin: $min, occurredAtMax: $max, first: $first, after: $after) {
    nodes { ${EVENT} } pageInfo { hasNextPage endCursor } } }`;
const WHOLE = `${EVENT} before after decisions { code reason delivery { databaseId state } webhookSubscription { id name } }`;

interface Selection {
  node?: string;
  type?: string;
  operation?: string;
  since?: string;
  until?: string;
}

export function addEvents(program: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  const events = addCommand(program, 'events', 'list and inspect the recorded changes of nodes', []);
  addList<Selection>(events, cli, {
    description: 'list recorded changes, newest first',
    examples: ['events list --type User --since 2h', 'events list --node VXNlcjox --json'],
    filter: (command) =>
      command
        .option('--node <id>', 'only changes of this node, by its global id')
        .option('--type <type>', 'only changes of nodes of this type, such as User')
        .option('--operation <operation>', 'only nodes that were created, updated or deleted')
        .option('--since <moment>', 'only changes at this time or later; default: one day ago', moment)
        .option('--until <moment>', 'only changes at this time or earlier', moment),
    find: async (client, { node, type, operation, since, until }, limit) =>
      client.list(LIST, { nodeId: node, nodeType: type, operation: operation?.toUpperCase(), min: since, max: until }, limit),
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
