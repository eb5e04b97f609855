// Adds the commands that list, show, resend and release deliveries; `show` prints each request and response.

import { DELIVERY_KINDS, DELIVERY_STATES, STAGES } from '../../webhooks/fields.js';
import type { Answer, Client } from '../client.js';
import { type Answering, addAnswering, addCommand, type Cli, type Command, InvalidArgumentError, Option } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { addList, addSelection, type Selection, selectionOf, topicOf, webhookOf } from '../list.js';
import { ms, printRequest, printResponse } from '../report.js';
import { called } from '../saving.js';
import { relative } from '../shorten.js';
import { withChoices } from '../suggest.js';
import { addResendMatching } from './bulk-actions.js';

const LIST = `query ($webhookSubscriptionId: ID, $states: [WebhookDeliveryState!], $topicKey: String, $createdAtMin: DateTime, $createdAtMax: DateTime,
  $nodeId: ID, $kinds: [WebhookDeliveryKind!], $stages: [WebhookStage!], $responseStatusMin: Int, $responseStatusMax: Int, $search: String, $first: Int, $after: String) {
  webhookDeliveries(webhookSubscriptionId: $webhookSubscriptionId, states: $states, topicKey: $topicKey, createdAtMin: $createdAtMin, createdAtMax: $createdAtMax,
    nodeId: $nodeId, kinds: $kinds, stages: $stages, responseStatusMin: $responseStatusMin, responseStatusMax: $responseStatusMax, search: $search, first: $first, after: $after) {
    nodes { id databaseId kind state reason topic { key } nodeId attemptCount nextAttemptAt createdAt
      lastAttempt { outcome stage message durationMs response { status } } webhookSubscription { id name } }
    pageInfo { hasNextPage endCursor } } }`;
const DELIVERY = `id databaseId kind state reason waitsFor { databaseId state } replacedBy { databaseId } topic { key version } nodeId attemptCount nextAttemptAt createdAt updatedAt
  webhookSubscription { id name } event { id operation occurredAt changedFields } webhookReplay { databaseId }
  attempts { id databaseId number subscriptionVersion startedAt durationMs outcome stage message timings
    request { url headers body } response { status headers body } }`;
const AFTER = `query ($id: ID!, $sequence: String!) { webhookSubscription(id: $id) { deliveriesAfter(sequence: $sequence) {
  nodes { sequence body bodyState delivery { databaseId state } } hasMore lastSequence } } }`;
/** The text to print in place of a body that is missing, by the body's state. */
const NO_BODY: Record<string, string> = {
  NOT_RECORDED: '(the body was not recorded)',
  NOT_SENT: '(no attempt is recorded yet)',
  DELETED: '(the body is no longer kept)',
};
const RESEND =
  'mutation ($id: ID, $asNew: Boolean) { resendWebhookDelivery(id: $id, asNew: $asNew) { errors { field fullMessage type } webhookDelivery { id databaseId state } } }';
const RELEASE =
  'mutation ($id: ID) { releaseWebhookDeliveries(webhookSubscriptionId: $id) { errors { field fullMessage type } releasedCount } }';

export function addDeliveries(program: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  const deliveries = addCommand(program, 'deliveries', 'list, inspect and resend deliveries of notifications', []);
  addList<DeliverySelection>(deliveries, cli, {
    description: 'list deliveries, newest first',
    examples: [
      'deliveries list --webhook "CRM users" --state FAILED --state HELD',
      'deliveries list --status 5xx --since 2h --json',
      'deliveries list --search "connection refused"',
    ],
    filter: filtering,
    find: async (client, filter, limit) => client.list(LIST, await conditionsOf(client, filter), limit),
    none: 'No deliveries match. `hookgraph why-not` explains why a notification was not sent.',
    columns: {
      id: ({ databaseId }) => databaseId,
      made: ({ createdAt }) => relative(createdAt),
      webhook: webhookOf,
      topic: topicOf,
      state: stateOf,
      attempts: ({ attemptCount }) => attemptCount,
      next: ({ nextAttemptAt }) => relative(nextAttemptAt),
      last: ({ lastAttempt }) => lastAttempt?.response?.status ?? lastAttempt?.stage,
      kind: ({ kind }) => kind,
      message: ({ lastAttempt }) => lastAttempt?.message,
    },
  });
  addAnswering(
    deliveries,
    'show <delivery>',
    'show a delivery with the request and response of each attempt, by its id, which notifications contain in the header X-Scope-Webhook-Job-Id',
    ['deliveries show 7263548190000128'],
  ).action(async (id: string, options: Answering) => {
    const delivery = await findOne(await connect(), 'WebhookDelivery', id, DELIVERY);
    if (options.json) return terminal.json(delivery);
    const { attempts, event } = delivery;
    terminal.details([
      ['delivery', delivery.databaseId],
      ['webhook', delivery.webhookSubscription && called(delivery.webhookSubscription)],
      ['topic', `${delivery.topic?.key}@${delivery.topic?.version}`],
      ['node', delivery.nodeId],
      [
        'event',
        event && `${event.operation} at ${event.occurredAt}${event.changedFields.length > 0 ? `: ${event.changedFields.join(', ')}` : ''}`,
      ],
      ['kind', delivery.webhookReplay ? `${delivery.kind} ${delivery.webhookReplay.databaseId}` : delivery.kind],
      ['state', stateOf(delivery)],
      ['waits for', delivery.waitsFor && `${delivery.waitsFor.databaseId} (${delivery.waitsFor.state})`],
      ['replaced by', delivery.replacedBy?.databaseId],
      ['next attempt', delivery.nextAttemptAt],
    ]);
    for (const attempt of attempts as Answer[]) {
      const { number, startedAt, durationMs, outcome, stage, message, request, response } = attempt;
      terminal.say(`\nAttempt ${number}, ${startedAt}, ${ms(durationMs)}: ${outcome}${stage ? ` at ${stage}` : ''}`);
      if (message) terminal.say(message);
      if (request) printRequest(terminal, request);
      if (response) printResponse(terminal, response);
    }
    if (attempts.length === 0) terminal.say('\nThis delivery has no attempt yet.');
  });
  addAnswering(
    deliveries,
    'after <webhook> <sequence>',
    'list the notifications of a numbered subscription after a number, with their bodies, for a receiver that missed some',
    ['deliveries after "CRM users" 1041', 'deliveries after "CRM users" 1041 --json'],
  ).action(async (name: string, sequence: string, options: Answering) => {
    const client = await connect();
    const { id } = await findSubscription(client, name);
    let last = '0';
    let count = 0;
    for (let after: string | null = sequence; after !== null; ) {
      const found: Answer = (await client.ask(AFTER, { id, sequence: after })).webhookSubscription.deliveriesAfter;
      for (const { sequence: number, body, bodyState, delivery } of found.nodes as Answer[]) {
        const shown = { sequence: number, deliveryId: delivery?.databaseId ?? null, state: delivery?.state ?? null, bodyState, body };
        if (options.json) terminal.json(shown);
        else terminal.say(`${number}  ${shown.state ?? 'deleted'}  ${body ?? NO_BODY[bodyState] ?? bodyState}`);
      }
      count += found.nodes.length;
      last = found.lastSequence;
      after = found.hasMore ? (found.nodes as Answer[]).at(-1)?.sequence : null;
    }
    if (count === 0 && !options.json) terminal.say(`No notification has a number above ${sequence}; the last one is ${last}.`);
  });
  addResendMatching<DeliverySelection>(deliveries, cli, { filtering, conditionsOf });
  addAnswering(program, 'resend <delivery...>', 'send each of these deliveries again now; a receiver that already has it may drop it', [
    'resend 7263548190000128',
    'resend 7263548190000128 --as-new',
  ])
    .option('--as-new', 'send a new delivery with new ids, which a receiver that ignores repetitions takes')
    .action(async (ids: string[], options: Answering & { asNew?: true }) => {
      const client = await connect();
      const resent: Answer[] = [];
      for (const id of ids) resent.push((await client.mutate(RESEND, { id, asNew: options.asNew ?? false })).webhookDelivery);
      if (options.json) return terminal.json(resent);
      for (const { databaseId } of resent) terminal.say(`Delivery ${databaseId} is due now.`);
    });
  addAnswering(program, 'release <webhook>', 'send the held deliveries of a subscription now', ['release "CRM users"']).action(
    async (name: string, options: Answering) => {
      const client = await connect();
      const one = await findSubscription(client, name);
      const { releasedCount } = await client.mutate(RELEASE, { id: one.id });
      if (options.json) terminal.json({ ...one, releasedCount });
      else terminal.say(`${releasedCount} ${releasedCount === 1 ? 'delivery' : 'deliveries'} of ${called(one)} will be tried again.`);
    },
  );
}

const filtering = (command: Command): Command =>
  narrowingMore(addSelection(command, 'deliveries', inStates(), 'deliveries created'), 'only deliveries').addOption(
    withChoices(new Option('--kind <kind>', 'only deliveries of this kind; can be repeated'), DELIVERY_KINDS, true),
  );

const inStates = (what = 'only deliveries') =>
  withChoices(new Option('--state <state>', `${what} in this state; can be repeated`), DELIVERY_STATES, true);

/** Adds the options that select deliveries of one subscription. `what`: the beginning of their descriptions. */
export const narrowing = (command: Command, what: string): Command => narrowingMore(command.addOption(inStates(what)), what);

const narrowingMore = (command: Command, what: string): Command =>
  command
    .option('--node <id>', `${what} about this node, by its global id`)
    .addOption(
      withChoices(
        new Option('--stage <stage>', `${what} whose last attempt ended at this stage; can be repeated`),
        Object.keys(STAGES),
        true,
      ),
    )
    .option('--status <status>', `${what} whose last attempt got this HTTP status: 503, or 5xx`, statusRange)
    .option('--search <text>', `${what} with this id, or whose last error message contains these words`);

export interface Narrowed {
  state?: string[];
  stage?: string[];
  status?: [min: number, max: number];
  node?: string;
  search?: string;
}

/** Returns the conditions of the API for the options of `narrowing`. */
export function narrowedOf({ state: states, stage: stages, status, node: nodeId, search }: Narrowed) {
  const [responseStatusMin, responseStatusMax] = status ?? [];
  return { states, stages, nodeId, search, responseStatusMin, responseStatusMax };
}

/** Returns the conditions of the API for the options that select deliveries. */
async function conditionsOf(client: Client, filter: DeliverySelection): Promise<Record<string, unknown>> {
  const { kind: kinds, ...selection } = filter;
  const { id, topicKey, min, max } = await selectionOf(client, selection);
  return { webhookSubscriptionId: id, topicKey, kinds, createdAtMin: min, createdAtMax: max, ...narrowedOf(filter) };
}

interface DeliverySelection extends Selection, Narrowed {
  kind?: string[];
}

/** Parses an HTTP status, or a class of them such as `5xx`, into its smallest and its greatest status. */
function statusRange(text: string): [min: number, max: number] {
  const [, digits = '', rest] = /^([1-9]\d{0,2})(x{0,2})$/i.exec(text) ?? [];
  if (digits.length + (rest?.length ?? 0) !== 3) throw new InvalidArgumentError('Write an HTTP status like 503, or a class like 5xx.');
  const scale = 10 ** (rest as string).length;
  return [Number(digits) * scale, (Number(digits) + 1) * scale - 1];
}

const WAITS: Record<string, string> = {
  OPERATOR: 'waiting for the operator',
  SLOW: 'query too slow, runs again',
  LOOP: 'in a feedback loop',
  ORDER: 'waiting for an earlier one',
  COALESCED: 'replaced by a later one',
  UNREAD: 'changed nothing that is read',
};
const stateOf = ({ state, reason }: Answer): string => (reason ? `${state} (${WAITS[reason] ?? reason})` : state);
