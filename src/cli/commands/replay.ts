// Adds the command that replays past events, and rehearses a replay first.
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, Client } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, collect, moment, Option, wholeNumber } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { printRehearsal, REHEARSAL, rehearseAll } from '../rehearsal.js';
import { called } from '../saving.js';
import type { Terminal } from '../terminal.js';
import { type Narrowed, narrowedOf, narrowing } from './deliveries.js';

const REPLAY = 'id databaseId state mode includesDelivered progress deliveryCount from to createdAt finishedAt';
const SCOPE = '$from: DateTime, $to: DateTime, $all: Boolean, $mode: WebhookReplayMode, $deliveries: WebhookReplayDeliveriesInput';
const SCOPED = 'webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $all, mode: $mode, deliveries: $deliveries';
const BEGIN = `mutation ($id: ID, ${SCOPE}) {
  replayWebhookEvents(${SCOPED}) { errors { field fullMessage type } webhookReplay { ${REPLAY} } } }`;
const DRY_RUN = `query ($id: ID!, ${SCOPE}) {
  webhookReplayDryRun(${SCOPED}) { from to sendCount deliveredCount openCount skippedCount leftOutCount countedTo refusal } }`;
const REHEARSE = `query ($id: ID!, ${SCOPE}, $first: Int, $after: String) {
  webhookReplayDryRun(${SCOPED}) { rehearsal(first: $first, after: $after) { ${REHEARSAL} } } }`;
const CANCEL = `mutation ($id: ID) { cancelWebhookReplay(id: $id) { errors { field fullMessage type } webhookReplay { ${REPLAY} } } }`;
const POLL_MS = 500;
const MODES = ['sent-bytes', 'stored-payload', 'new-payload'];
/** Number of events that a dry run examines without --sample. */
const SAMPLE = 200;

interface Options extends Answering, Narrowed {
  from?: string;
  to?: string;
  all?: true;
  mode?: string;
  delivery?: string[];
  follow?: true;
  cancel?: true;
  dryRun?: true;
  sample?: number;
}

export function addReplay(program: Command, { terminal, connect, interrupted }: Cli): void {
  const command = addAnswering(
    program,
    'replay <webhook>',
    'send past events again, as new deliveries: those that were missed, or selected ones',
    [
      'replay "CRM users" --from 2h --follow',
      'replay "CRM users" --from 2h --all --mode sent-bytes --dry-run',
      'replay "CRM users" --mode stored-payload --delivery 7263548190000128',
      'replay "CRM users" --state FAILED --status 5xx --follow',
    ],
  )
    .option(
      '--from <moment>',
      'start of the period: a time in ISO 8601, or how long ago, such as 2h; default: the oldest stored event',
      moment,
    )
    .option('--to <moment>', 'end of the period; default: now', moment)
    .option('--all', 'send again, too, what was delivered, skipped by the validation template or is still to come')
    .addOption(
      new Option('--mode <mode>', 'send the body of the last request, its stored payload through the current templates, or a new payload')
        .choices(MODES)
        .default('new-payload'),
    )
    .option('--delivery <id>', 'only the event of this delivery; can be repeated', collect);
  narrowing(command, 'only events whose delivery')
    .option('--follow', 'show progress until the replay is done; after Ctrl-C the replay continues')
    .option('--dry-run', 'say what the replay would send, and send nothing')
    .option('--sample <number>', `number of events that the dry run examines; default: ${SAMPLE}`, wholeNumber)
    .option('--cancel', 'cancel the running replays of this subscription instead of starting one')
    .action(async (name: string, options: Options) => {
      const client = await connect();
      const one = await findSubscription(client, name);
      if (options.cancel) return cancel(client, terminal, one.id, options);
      const scope = { id: one.id, ...scopeOf(options) };
      if (options.dryRun) return dryRun(client, terminal, scope, options);
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
    });
}

function scopeOf({ from, to, all, mode, delivery: ids, ...options }: Options) {
  const conditions = narrowedOf(options);
  const isNarrowed = ids !== undefined || Object.values(conditions).some((value) => value !== undefined);
  // If other conditions select deliveries, `from` and `to` select them by their creation time.
  const deliveries = isNarrowed ? (ids ? { ids } : { ...conditions, createdAtMin: from, createdAtMax: to }) : null;
  return {
    ...{ from: from ?? null, to: to ?? null, all: all ?? false, deliveries },
    mode: (mode ?? 'new-payload').toUpperCase().replace('-', '_'),
  };
}

async function cancel(client: Client, terminal: Terminal, id: string, { json }: Options): Promise<void> {
  const running = await client.list(RUNNING, { id }, Number.POSITIVE_INFINITY);
  const cancelled: Answer[] = [];
  for (const { id } of running) cancelled.push((await client.mutate(CANCEL, { id })).webhookReplay);
  if (json) terminal.json(cancelled);
  else terminal.say(`${cancelled.length} ${cancelled.length === 1 ? 'replay was' : 'replays were'} cancelled.`);
}

async function dryRun(client: Client, terminal: Terminal, scope: object, { json, sample = SAMPLE }: Options): Promise<void> {
  const { webhookReplayDryRun: counted } = await client.ask(DRY_RUN, { ...scope });
  const rehearsal = await rehearseAll(terminal, sample, async (page) => {
    const { webhookReplayDryRun } = await client.ask(REHEARSE, { ...scope, ...page });
    return webhookReplayDryRun.rehearsal;
  });
  if (json) return terminal.json({ ...counted, rehearsal });
  terminal.details([
    ['would send', counted.sendCount],
    ['delivered already', counted.deliveredCount],
    ['still to come', counted.openCount],
    ['skipped by the validation template', counted.skippedCount],
    ['no longer stored or included', counted.leftOutCount || null],
    ['from', counted.from],
    ['to', counted.to],
    ['counted to', counted.countedTo],
    ['refused now', counted.refusal],
  ]);
  printRehearsal(terminal, rehearsal, 'the last request about each');
}

const RUNNING = `query ($id: ID, $first: Int, $after: String) { webhookReplays(webhookSubscriptionId: $id, state: RUNNING, first: $first, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } }`;
