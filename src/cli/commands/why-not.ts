// Adds the command `why-not`, which explains missing notifications.
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, moment } from '../command.js';
import { findSubscription } from '../find.js';
import { relative, shortNode } from '../shorten.js';

const WHY = `query ($id: ID!, $nodeId: ID, $since: DateTime) { webhookWhyNot(webhookSubscriptionId: $id, nodeId: $nodeId, since: $since) {
  code conclusion findings { code reason event { id nodeId operation occurredAt changedFields } delivery { id databaseId state } } } }`;

export function addWhyNot(program: Command, { terminal, connect }: Cli): void {
  addAnswering(program, 'why-not <webhook>', 'explain why a notification was not sent', [
    'why-not "CRM users"',
    'why-not "CRM users" --node VXNlcjox --since 7d',
  ])
    .option('--node <id>', 'global id of the node whose notification is missing; default: all nodes')
    .option(
      '--since <moment>',
      'only changes at this time or later: a time in ISO 8601, or how long ago, such as 7d; default: one day ago',
      moment,
    )
    .action(async (name: string, options: Answering & { node?: string; since?: string }) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const { webhookWhyNot } = await client.ask(WHY, { id, nodeId: options.node ?? null, since: options.since ?? null });
      if (!webhookWhyNot) throw new RuntimeError('NOT_FOUND', `You have no subscription ${name}`);
      if (options.json) return terminal.json(webhookWhyNot);
      terminal.say(webhookWhyNot.conclusion);
      if (webhookWhyNot.findings.length === 0) return;
      terminal.say('');
      terminal.table(
        ['at', 'node', 'change', 'delivery', 'reason'],
        webhookWhyNot.findings.map(({ event, delivery, reason }: Answer) => [
          relative(event.occurredAt),
          shortNode(event.nodeId),
          event.operation,
          delivery && `${delivery.databaseId} ${delivery.state}`,
          reason,
        ]),
      );
    });
}
