// Adds the commands that replay past events, and `why-not`, which explains missing notifications.
import { setTimeout as wait } from 'node:timers/promises';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, moment } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { called } from '../saving.js';

const REPLAY = 'id databaseId state progress deliveryCount from to createdAt finishedAt';
const BEGIN = `mutation ($id: ID, $from: DateTime, $to: DateTime) { replayWebhookEvents(webhookSubscriptionId: $id, from: $from, to: $to) {
  errors { field fullMessage type } webhookReplay { ${REPLAY} } } }`;
const CANCEL = `mutation ($id: ID) { cancelWebhookReplay(id: $id) { errors { field fullMessage type } webhookReplay { ${REPLAY} } } }`;
const WHY = `query ($id: ID!, $nodeId: ID, $since: DateTime) { webhookWhyNot(webhookSubscriptionId: $id, nodeId: $nodeId, since: $since) {
  code conclusion findings { code reason event { id nodeId operation occurredAt changedFields } delivery { id databaseId state } } } }`;
const LOOK_EVERY_MS = 500;

export function addReplay(program: Command, { terminal, connect, interrupted }: Cli): void {
  addAnswering(program, 'replay <webhook>', 'send the events of a time again, as new deliveries', [
    'replay "CRM users" --from 2h --follow',
    'replay "CRM users" --from 2026-11-22T00:00:00Z --to 2026-11-23T00:00:00Z',
  ])
    .option('--from <moment>', 'the first moment, in ISO 8601 or e.g. 2h; default: that of the first event that is kept', moment)
    .option('--to <moment>', 'the last moment; default: now', moment)
    .option('--follow', 'tell how far it is until it is done; Ctrl-C leaves it running')
    .option('--cancel', 'end the replays of this subscription that run')
    .action(async (name: string, options: Answering & { from?: string; to?: string; follow?: true; cancel?: true }) => {
      const client = await connect();
      const one = await findSubscription(client, name);
      if (options.cancel) {
        const running = await client.list(RUNNING, { id: one.id }, Number.POSITIVE_INFINITY);
        const cancelled: Answer[] = [];
        for (const { id } of running) cancelled.push((await client.mutate(CANCEL, { id })).webhookReplay);
        if (options.json) terminal.json(cancelled);
        else terminal.say(`${cancelled.length} ${cancelled.length === 1 ? 'replay was' : 'replays were'} cancelled.`);
        return;
      }
      let { webhookReplay: replay } = await client.mutate(BEGIN, { id: one.id, from: options.from ?? null, to: options.to ?? null });
      const signal = interrupted();
      while (options.follow && replay.state === 'RUNNING' && !signal.aborted) {
        terminal.progress(`${Math.round(replay.progress * 100)} %, ${replay.deliveryCount} deliveries`);
        await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
        replay = await findOne(client, 'WebhookReplay', replay.id, REPLAY);
      }
      if (options.json) return terminal.json(replay);
      const deliveries = `${replay.deliveryCount} ${replay.deliveryCount === 1 ? 'delivery' : 'deliveries'}`;
      if (replay.state === 'RUNNING')
        terminal.say(
          `Replay ${replay.databaseId} to ${called(one)} goes on: ${Math.round(replay.progress * 100)} %, ${deliveries} so far.`,
        );
      else terminal.say(`Replay ${replay.databaseId} to ${called(one)} is ${replay.state}: ${deliveries}.`);
    });
  addAnswering(program, 'why-not <webhook>', 'tell why nothing came', [
    'why-not "CRM users"',
    'why-not "CRM users" --node VXNlcjox --since 7d',
  ])
    .option('--node <id>', 'of which nothing was heard; default: any')
    .option('--since <moment>', 'how far to look back, in ISO 8601 or e.g. 7d; default: a day', moment)
    .action(async (name: string, options: Answering & { node?: string; since?: string }) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const { webhookWhyNot } = await client.ask(WHY, { id, nodeId: options.node ?? null, since: options.since ?? null });
      if (!webhookWhyNot) throw new RuntimeError('NOT_FOUND', `You have no subscription ${name}`);
      if (options.json) return terminal.json(webhookWhyNot);
      terminal.say(webhookWhyNot.conclusion);
      if (webhookWhyNot.findings.length > 0) terminal.say('');
      terminal.table(
        ['at', 'node', 'change', 'delivery', 'what came of it'],
        webhookWhyNot.findings.map(({ event, delivery, reason }: Answer) => [
          event.occurredAt,
          event.nodeId,
          event.operation,
          delivery && `${delivery.databaseId} ${delivery.state}`,
          reason,
        ]),
      );
    });
}

const RUNNING = `query ($id: ID, $first: Int, $after: String) { webhookReplays(webhookSubscriptionId: $id, state: RUNNING, first: $first, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } }`;
