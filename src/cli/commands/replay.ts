// Adds the commands that replay past events, and `why-not`, which explains missing notifications.
import { setTimeout as wait } from 'node:timers/promises';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Answer } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, moment } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { called } from '../saving.js';
import { relative, shortNode } from '../shorten.js';
import type { Terminal } from '../terminal.js';

const REPLAY = 'id databaseId state includesDelivered progress deliveryCount from to createdAt finishedAt';
const BEGIN = `mutation ($id: ID, $from: DateTime, $to: DateTime, $all: Boolean) {
  replayWebhookEvents(webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $all) {
  errors { field fullMessage type } webhookReplay { ${REPLAY} } } }`;
const DRY_RUN = `query ($id: ID!, $from: DateTime, $to: DateTime, $all: Boolean) {
  webhookReplayDryRun(webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $all) {
    from to sendCount deliveredCount openCount skippedCount countedTo refusal } }`;
const CANCEL = `mutation ($id: ID) { cancelWebhookReplay(id: $id) { errors { field fullMessage type } webhookReplay { ${REPLAY} } } }`;
const WHY = `query ($id: ID!, $nodeId: ID, $since: DateTime) { webhookWhyNot(webhookSubscriptionId: $id, nodeId: $nodeId, since: $since) {
  code conclusion findings { code reason event { id nodeId operation occurredAt changedFields } delivery { id databaseId state } } } }`;
const POLL_MS = 500;

export function addReplay(program: Command, { terminal, connect, interrupted }: Cli): void {
  addAnswering(program, 'replay <webhook>', 'send the events of a period that were missed, as new deliveries', [
    'replay "CRM users" --from 2h --follow',
    'replay "CRM users" --from 2h --all',
    'replay "CRM users" --from 2h --dry-run',
    'replay "CRM users" --from 2026-11-22T00:00:00Z --to 2026-11-23T00:00:00Z',
  ])
    .option(
      '--from <moment>',
      'start of the period: a time in ISO 8601, or how long ago, such as 2h; default: the oldest stored event',
      moment,
    )
    .option('--to <moment>', 'end of the period; default: now', moment)
    .option('--all', 'send again, too, what was delivered, skipped by the validation template or is still to come')
    .option('--follow', 'show progress until the replay is done; after Ctrl-C the replay continues')
    .option('--dry-run', 'count what the replay would send, and send nothing')
    .option('--cancel', 'cancel the running replays of this subscription instead of starting one')
    .action(
      async (
        name: string,
        options: Answering & { from?: string; to?: string; all?: true; follow?: true; cancel?: true; dryRun?: true },
      ) => {
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
        const scope = { id: one.id, from: options.from ?? null, to: options.to ?? null, all: options.all ?? false };
        if (options.dryRun) {
          const { webhookReplayDryRun: counted } = await client.ask(DRY_RUN, scope);
          if (options.json) terminal.json(counted);
          else printDryRun(terminal, counted);
          return;
        }
        let { webhookReplay: replay } = await client.mutate(BEGIN, scope);
        const signal = interrupted();
        while (options.follow && replay.state === 'RUNNING' && !signal.aborted) {
          terminal.progress(`${Math.round(replay.progress * 100)} %, ${replay.deliveryCount} deliveries`);
          await wait(POLL_MS, undefined, { signal }).catch(() => {});
          replay = await findOne(client, 'WebhookReplay', replay.id, REPLAY);
        }
        if (options.json) return terminal.json(replay);
        const deliveries = `${replay.deliveryCount} ${replay.deliveryCount === 1 ? 'delivery' : 'deliveries'}`;
        if (replay.state === 'RUNNING')
          terminal.say(
            `Replay ${replay.databaseId} to ${called(one)} is running: ${Math.round(replay.progress * 100)} %, ${deliveries} so far.`,
          );
        else terminal.say(`Replay ${replay.databaseId} to ${called(one)} is ${replay.state}: ${deliveries}.`);
      },
    );
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

function printDryRun(terminal: Terminal, counted: Answer): void {
  terminal.details([
    ['would send', counted.sendCount],
    ['delivered already', counted.deliveredCount],
    ['still to come', counted.openCount],
    ['skipped by the validation template', counted.skippedCount],
    ['from', counted.from],
    ['to', counted.to],
    ['counted to', counted.countedTo],
    ['refused now', counted.refusal],
  ]);
}

const RUNNING = `query ($id: ID, $first: Int, $after: String) { webhookReplays(webhookSubscriptionId: $id, state: RUNNING, first: $first, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } }`;
