// Adds the command `snapshot`, which sends the current nodes of a topic's type to a subscription.
import { setTimeout as wait } from 'node:timers/promises';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { called } from '../saving.js';

const SNAPSHOT = 'id databaseId state isSnapshot progress deliveryCount createdAt finishedAt';
const BEGIN = `mutation ($id: ID) { snapshotWebhookSubscription(webhookSubscriptionId: $id) {
  errors { field fullMessage type } webhookReplay { ${SNAPSHOT} } } }`;
const POLL_MS = 500;

export function addSnapshot(program: Command, { terminal, connect, interrupted }: Cli): void {
  addAnswering(program, 'snapshot <webhook>', 'send the current nodes of the topic to a subscription, each as a new delivery', [
    'snapshot "CRM users" --follow',
  ])
    .option('--follow', 'show progress until all deliveries are created; after Ctrl-C the snapshot continues')
    .action(async (name: string, options: Answering & { follow?: true }) => {
      const client = await connect();
      const webhook = await findSubscription(client, name);
      let { webhookReplay: snapshot } = await client.mutate(BEGIN, { id: webhook.id });
      const signal = interrupted();
      while (options.follow && snapshot.state === 'RUNNING' && !signal.aborted) {
        terminal.progress(`${Math.round(snapshot.progress * 100)} %, ${snapshot.deliveryCount} deliveries`);
        await wait(POLL_MS, undefined, { signal }).catch(() => {});
        snapshot = await findOne(client, 'WebhookReplay', snapshot.id, SNAPSHOT);
      }
      if (options.json) return terminal.json(snapshot);
      const { state, databaseId, progress, deliveryCount } = snapshot;
      const made = `${Math.round(progress * 100)} %, ${deliveryCount} ${deliveryCount === 1 ? 'delivery' : 'deliveries'}`;
      terminal.say(`Snapshot ${databaseId} to ${called(webhook)} is ${state}: ${made}.`);
      if (state === 'RUNNING') terminal.note(`\`hookgraph replay ${JSON.stringify(name)} --cancel\` cancels it.`);
    });
}
