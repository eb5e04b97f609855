// Adds the commands for subscriptions: list, show, enable, disable, rotate the secret and delete.

import { type GraphQLSchema, isObjectType } from 'graphql';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { FIELDS, type Field } from '../../webhooks/fields.js';
import type { Answer, Client } from '../client.js';
import { type Answering, addAnswering, addCommand, type Cli, type Command, collect, moment, seconds, wholeNumber } from '../command.js';
import { findOne, findSubscription } from '../find.js';
import { addList, topicOf } from '../list.js';
import { called, DELETE, missedNote, type Saved, save, UPDATE } from '../saving.js';
import { SHORT_ID_LENGTH } from '../shorten.js';
import { ownFields } from '../subscription-fields.js';
import { readSecret } from '../subscription-input.js';
import { addRehearsals } from './rehearse.js';
import { addSaving } from './save-webhook.js';
import { addTryOut } from './try-webhook.js';

/** Whether a destination's field identifies the receiver: a text that the API always returns, such as an ARN. */
const namesReceiver = ({ type, output }: Field): boolean => type.kind === 'TEXT' && output !== false && output?.required === true;

/** Returns the kinds of destinations (HTTPS, SQS …), each with the field that identifies the receiver, such as an ARN. */
const destinations = (): { name: string; receiver: string | null }[] =>
  FIELDS.filter(({ destination }) => destination).map(({ name, type }) => ({
    name,
    receiver: type.kind === 'RECORD' ? (type.fields.find(namesReceiver)?.name ?? null) : null,
  }));

const receiverOf = (subscription: Answer): string | null | undefined =>
  destinations()
    .map(({ name, receiver }) => (receiver ? subscription[name]?.[receiver] : subscription[name]))
    .find((to) => to != null);

/** Returns the GraphQL selection of a subscription's destination fields, as far as the API's schema has them. */
function selectReceivers(schema: GraphQLSchema): string {
  const type = schema.getType('WebhookSubscription');
  const known = isObjectType(type) ? type.getFields() : {};
  return destinations()
    .filter(({ name }) => name in known)
    .map(({ name, receiver }) => (receiver ? `${name} { ${receiver} }` : name))
    .join(' ');
}

/** Returns the query that lists subscriptions. `byIntegration` adds `integrationId`, which only APIs with integrations have. */
const listOf = (
  byIntegration: boolean,
  receivers: string,
): string => `query ($topicKey: String, $disabled: Boolean, $statuses: [WebhookSubscriptionStatus!], $search: String, $orderBy: WebhookSubscriptionOrder,
  ${byIntegration ? '$integrationId: ID, ' : ''}$first: Int, $after: String) {
  webhookSubscriptions(topicKey: $topicKey, disabled: $disabled, statuses: $statuses, search: $search, orderBy: $orderBy,
    ${byIntegration ? 'integrationId: $integrationId, ' : ''}first: $first, after: $after) {
    nodes { id databaseId name status topic { key version } ${receivers} disabledReason heldReason lastDelivery { databaseId state createdAt } } pageInfo { hasNextPage endCursor } } }`;

interface Filter {
  topic?: string;
  disabled?: true;
  enabled?: true;
  status?: string[];
  search?: string;
  order?: string;
  integration?: string;
}

const COUNTS = ['from', 'delivered', 'failed', 'skipped', 'held', 'p50Ms', 'p95Ms'];
const STATS = `query ($id: ID!, $from: DateTime, $to: DateTime, $buckets: Int) { found: webhookSubscription(id: $id) {
  stats(from: $from, to: $to, buckets: $buckets) { ${COUNTS.join(' ')} to countedUntil buckets { ${COUNTS.join(' ')} to } } } }`;
const VERSIONS = `query ($id: ID!, $before: Int) { found: webhookSubscription(id: $id) {
  versions(first: 100, before: $before) { number createdAt createdById definition } } }`;
const roundOf = (value: string | number | null) => (typeof value === 'number' ? Math.round(value) : value);

const ROTATE = `mutation ($id: ID, $sharedSecret: String, $overlapSeconds: Int) {
  rotateWebhookSecret(id: $id, sharedSecret: $sharedSecret, overlapSeconds: $overlapSeconds) {
    errors { field fullMessage type } webhookSubscription { id databaseId name version secretRotation { endsAt } } } }`;

export function addWebhooks(program: Command, cli: Cli): void {
  const { terminal, env, connect } = cli;
  const webhooks = addCommand(program, 'webhooks', 'manage your webhook subscriptions', []);
  addList<Filter>(webhooks, cli, {
    description: 'list your webhook subscriptions',
    examples: [
      'webhooks list',
      'webhooks list --topic user/created --json',
      'webhooks list --search crm --status HELD --order LAST_DELIVERY_DESC',
    ],
    filter: (command) =>
      command
        .option('--topic <key>', 'only subscriptions to this topic')
        .option('--disabled', 'only disabled subscriptions')
        .option('--enabled', 'only subscriptions that are not disabled')
        .option('--status <status>', 'only subscriptions with this status, such as HELD; can be repeated', collect)
        .option('--search <words>', 'only subscriptions that contain these words in their name, topic, destination, query or templates')
        .option('--order <order>', 'the order, such as NAME_ASC or LAST_DELIVERY_DESC; default: CREATED_AT_ASC')
        .option('--integration <id>', 'only subscriptions of this integration'),
    find: async (client, { topic, disabled, enabled, status, search, order, integration }, limit) =>
      client.list(
        listOf(integration !== undefined, selectReceivers(await client.schema())),
        {
          topicKey: topic,
          disabled: disabled ? true : enabled ? false : null,
          statuses: status?.map((name) => name.toUpperCase()),
          search,
          orderBy: order?.toUpperCase(),
          integrationId: integration,
        },
        limit,
      ),
    none: 'No subscriptions match. `hookgraph webhooks create --help` explains how to create a subscription.',
    columns: {
      id: ({ id, databaseId }) => ({ short: databaseId.slice(0, SHORT_ID_LENGTH), whole: id }),
      name: ({ name }) => name,
      topic: topicOf,
      status: ({ status }) => status,
      to: receiverOf,
    },
  });

  addAnswering(webhooks, 'show <webhook>', 'show all fields of a subscription, by its id or name', ['webhooks show "CRM users"']).action(
    async (name: string, options: Answering) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const shown = await showSubscription(client, id);
      if (options.json) terminal.json(shown);
      else terminal.details(Object.entries(shown).map(([field, value]) => [field, flat(value)]));
    },
  );

  for (const [name, disabled, what] of [
    ['enable', false, 'enable a subscription and send its held deliveries'],
    ['disable', true, 'disable a subscription and hold its due deliveries'],
  ] as const)
    addAnswering(webhooks, `${name} <webhook...>`, what, [`webhooks ${name} "CRM users"`]).action(
      async (names: string[], options: Answering) => {
        const client = await connect();
        const found = await Promise.all(names.map((one) => findSubscription(client, one)));
        const saved: Saved[] = [];
        for (const { id } of found) saved.push(await save(client, UPDATE, { id, disabled }));
        if (options.json)
          return terminal.json(found.map((one, at) => ({ ...one, disabled, missedEvents: saved[at]?.missedEvents ?? null })));
        for (const one of found) terminal.say(`${called(one)} is ${disabled ? 'disabled' : 'enabled'}.`);
        for (const note of saved.flatMap((one) => missedNote(one) ?? [])) terminal.note(note);
      },
    );

  addAnswering(webhooks, 'delete <webhook...>', 'delete subscriptions and their secrets; the history of their deliveries is kept', [
    'webhooks delete "CRM users" --yes',
  ])
    .option('--yes', 'delete without asking')
    .action(async (names: string[], options: Answering & { yes?: true }) => {
      const client = await connect();
      const found = await Promise.all(names.map((one) => findSubscription(client, one)));
      if (!options.yes) {
        const deleted = found.map(called).join(', ');
        const answer = await terminal.confirm(`Delete ${deleted}?`);
        if (answer !== true) throw new RuntimeError('NOT_CONFIRMED', `No subscription was deleted (${deleted})`, 'Pass --yes to confirm.');
      }
      for (const { id } of found) await client.mutate(DELETE, { webhookSubscription: { id } });
      if (options.json) return terminal.json(found);
      for (const one of found) terminal.say(`${called(one)} is deleted.`);
    });
  addAnswering(
    webhooks,
    'rotate-secret <webhook>',
    'replace the shared secret; until the overlap ends, notifications are signed with the old secret or, where the scheme allows it, with both',
    ['webhooks rotate-secret "CRM users" --secret env:NEW_SECRET --overlap 24h'],
  )
    .requiredOption('--secret <secret>', 'the new secret: env:NAME, @file, @- for stdin, or the secret itself')
    .option('--overlap <span>', 'how long the old secret still signs, e.g. 90s, 15m, 24h or 7d; default: one day', seconds)
    .action(async (name: string, options: Answering & { secret: string; overlap?: number }) => {
      const client = await connect();
      const one = await findSubscription(client, name);
      const sharedSecret = await readSecret(options.secret, env, () => terminal.readAll());
      const { webhookSubscription } = await client.mutate(ROTATE, { id: one.id, sharedSecret, overlapSeconds: options.overlap ?? null });
      if (options.json) return terminal.json(webhookSubscription);
      terminal.say(
        webhookSubscription.secretRotation === null
          ? `${called(one)} has a new secret, which signs from now on.`
          : `${called(one)} has a new secret; until the overlap ends at ${webhookSubscription.secretRotation.endsAt}, the old secret signs, or both with STANDARD_WEBHOOKS and HTTP_MESSAGE_SIGNATURES.`,
      );
    });
  addAnswering(
    webhooks,
    'stats <webhook>',
    'count the attempts of a subscription in a period, with their median and 95th percentile duration',
    ['webhooks stats "CRM users"', 'webhooks stats "CRM users" --since 7d --intervals 7 --json'],
  )
    .option('--since <moment>', 'start of the period: a time in ISO 8601, or how long ago; default: 24h', moment)
    .option('--until <moment>', 'end of the period; default: now', moment)
    .option('--intervals <count>', 'maximum number of intervals; default: 24', wholeNumber)
    .action(async (name: string, { json, since, until, intervals }: Answering & { since?: string; until?: string; intervals?: number }) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const { found } = await client.ask(STATS, { id, from: since, to: until, buckets: intervals });
      if (json) return terminal.json(found.stats);
      const rows = [...found.stats.buckets, { ...found.stats, from: 'all' }].map((one) => COUNTS.map((column) => roundOf(one[column])));
      terminal.table(COUNTS, rows);
    });
  addAnswering(webhooks, 'versions <webhook>', 'list the versions of a subscription, newest first; --json prints each definition whole', [
    'webhooks versions "CRM users"',
    'webhooks versions "CRM users" --json',
  ]).action(async (name: string, { json }: Answering) => {
    const client = await connect();
    const { id } = await findSubscription(client, name);
    const versions: Answer[] = [];
    for (let before: number | null = null; before !== 1; ) {
      const { found } = (await client.ask(VERSIONS, { id, before })) as { found: { versions: Answer[] } };
      versions.push(...found.versions);
      before = found.versions.at(-1)?.number ?? 1;
    }
    if (json) terminal.json(versions);
    else
      terminal.table(
        ['version', 'saved', 'by'],
        versions.map(({ number, createdAt, createdById }) => [number, createdAt, createdById]),
      );
  });
  addSaving(webhooks, cli);
  addTryOut(webhooks, cli);
  addRehearsals(webhooks, cli);
}

async function showSubscription(client: Client, id: string): Promise<Record<string, unknown>> {
  const fields = ownFields(await client.schema());
  return findOne(client, 'WebhookSubscription', id, fields);
}

function flat(value: unknown): string | number | boolean | null {
  if (value === null || typeof value !== 'object') return value as string | number | boolean | null;
  if (Array.isArray(value)) return value.map(flat).join(', ');
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  const { key, version, id, name } = value as Record<string, unknown>;
  if (key && version) return `${key}@${version}`;
  if (entries.length === 1) return String(name ?? id ?? entries[0]?.[1]);
  return entries.map(([field, item]) => `${field}: ${flat(item)}`).join(', ');
}
