// Adds the GraphQL type WebhookReplay (past events that are sent again) with its connection, and the mutations that start and cancel a
// replay.

import {
  cancelReplay,
  dryRunReplay,
  type Engine,
  MAX_BULK_IDS,
  type Replay,
  type ReplayDryRun,
  type Replayed,
  type ReplayMode,
  type ReplayScope,
  rehearseReplay,
  replayEvents,
  timeOfId,
} from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import { asArguments } from '../as-arguments.js';
import type { Builder } from '../builder.js';
import { addSnapshot } from '../mutations/snapshot.js';
import { idField, keyOfId } from '../own-nodes.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf } from '../user-error.js';
import { type DeliveryParts, filterOf } from './delivery.js';
import type { Enums } from './enums.js';
import { FIRST_REHEARSED, PAGE_TEXTS, type RehearsalRef } from './rehearsal.js';
import type { SubscriptionParts } from './subscription.js';
import { totalOf } from './topic.js';

interface Parts {
  enums: Enums;
  subscription: SubscriptionParts;
  delivery: DeliveryParts;
  rehearsal: RehearsalRef;
}

export function addReplay(builder: Builder, access: AccessOf, { enums, subscription, delivery }: Omit<Parts, 'rehearsal'>) {
  const ref = builder.objectRef<Replay>('WebhookReplay');
  builder.objectType(ref, {
    description: 'A replay: past events that a subscription missed, or all of a period, or the current nodes, sent as new deliveries.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the replay, for `webhookReplay(id:)` and `cancelWebhookReplay`.'),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the replay in the database.' }),
      webhookSubscription: t.field({
        type: subscription.ref,
        description: 'The subscription; `null` when it was deleted.',
        resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
      }),
      from: t.expose('fromAt', { type: 'DateTime', nullable: false, description: 'The start of the replayed period.' }),
      to: t.expose('toAt', { type: 'DateTime', nullable: false, description: 'The end of the replayed period.' }),
      state: t.field({ type: enums.replayState, nullable: false, description: 'The state of the replay.', resolve: ({ state }) => state }),
      mode: t.field({
        type: enums.replayMode,
        nullable: false,
        description: 'The source from which the replay makes its requests.',
        resolve: ({ mode }) => mode,
      }),
      isSnapshot: t.exposeBoolean('isSnapshot', {
        nullable: false,
        description: 'Whether the current nodes of the topic’s type are sent instead of past events. `from` and `to` are then its start.',
      }),
      includesDelivered: t.exposeBoolean('includesDelivered', {
        nullable: false,
        description: 'Whether events that the subscription did not miss are sent again, too.',
      }),
      progress: t.exposeFloat('progress', { nullable: false, description: 'The finished share of the period, from 0 to 1.' }),
      deliveryCount: t.exposeInt('deliveryCount', { nullable: false, description: 'The number of deliveries created so far.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'The time at which the replay was started.' }),
      finishedAt: t.field({
        type: 'DateTime',
        description: 'The time at which the replay ended or was cancelled; `null` while it runs.',
        resolve: ({ state, updatedAt }) => (state === 'RUNNING' ? null : updatedAt),
      }),
    }),
  });
  builder.objectField(delivery.ref, 'webhookReplay', (t) =>
    t.field({
      type: ref,
      description: 'The replay that created the delivery; `null` when no replay did.',
      resolve: ({ replayId }, _args, ctx) => (replayId === null ? null : access(ctx).loaders.replay.load(replayId)),
    }),
  );
  const edge = builder.edgeObject({ name: 'WebhookReplayEdge', description: 'A replay in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookReplayConnection',
      description: 'A list of replays, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  return { ref, connection, edge };
}

const includeDelivered =
  'Whether events are sent again, too, that were delivered, were skipped by the validation template or have a delivery that is still to come. Default: false.';

function addDryRun(
  builder: Builder,
  access: AccessOf,
  { enums, selection, rehearsal }: Pick<Parts, 'enums' | 'rehearsal'> & { selection: Selection },
): void {
  const ref = builder.objectRef<ReplayDryRun>('WebhookReplayDryRun').implement({
    description: 'The number of events of a period by what a replay would do with them. Nothing is sent.',
    fields: (t) => ({
      from: t.expose('from', { type: 'DateTime', nullable: false, description: 'The start of the period.' }),
      to: t.expose('to', { type: 'DateTime', nullable: false, description: 'The end of the period.' }),
      sendCount: t.exposeInt('sent', {
        nullable: false,
        description: 'The number of events that the replay would send. The validation template may still skip some of them.',
      }),
      deliveredCount: t.exposeInt('delivered', { nullable: false, description: 'The number of events that were delivered already.' }),
      openCount: t.exposeInt('open', { nullable: false, description: 'The number of events that have a delivery that is still to come.' }),
      skippedCount: t.exposeInt('skipped', {
        nullable: false,
        description: 'The number of events that the validation template skipped.',
      }),
      countedTo: t.field({
        type: 'DateTime',
        description: 'The time up to which events were counted, when the period has too many to count at once; else `null`.',
        resolve: ({ countedTo }) => (countedTo === null ? null : new Date(timeOfId(countedTo))),
      }),
      leftOutCount: t.int({
        description:
          'The number of events of `deliveries` that are no longer stored, or that the subscription no longer covers; `null` for a period.',
        resolve: ({ range: { eventIds }, sent, countedTo }) => (eventIds === null || countedTo !== null ? null : eventIds.length - sent),
      }),
      rehearsal: t.field({
        type: rehearsal,
        nullable: false,
        description:
          'The first of the events that would be sent, with the result that a delivery of each would have, compared with the last request about it. Go on page by page. Ids and times of a delivery itself don’t count as changes.',
        args: { first: t.arg.int({ description: PAGE_TEXTS.first }), after: t.arg.string({ description: PAGE_TEXTS.after }) },
        resolve: (run, { first, after }, ctx) => {
          const { engine, actor } = access(ctx);
          const { limit, after: position } = pageOf({ first: first ?? FIRST_REHEARSED, after: after ?? null });
          return rehearseReplay(engine, actor, run, { first: limit, after: position });
        },
      }),
      refusal: t.string({
        description: 'Why `replayWebhookEvents` would refuse to start now, in a sentence; `null` when it would start.',
        resolve: ({ problem }) => problem?.message ?? null,
      }),
    }),
  });
  builder.queryField('webhookReplayDryRun', (t) =>
    t.field({
      type: ref,
      description:
        'Count what `replayWebhookEvents` with the same arguments would send, and the events that it would leave out. `null` when you have no such subscription.',
      args: {
        webhookSubscriptionId: t.arg.id({ required: true, description: 'The id of the subscription.' }),
        from: t.arg({ type: 'DateTime', description: 'The start of the period. Default: the time of the oldest stored event.' }),
        to: t.arg({ type: 'DateTime', description: 'The end of the period. Default: now.' }),
        includeDelivered: t.arg.boolean({ description: includeDelivered }),
        mode: t.arg({ type: enums.replayMode, description: mode }),
        deliveries: t.arg({ type: selection, description: deliveries }),
      },
      resolve: (_root, { webhookSubscriptionId, ...scope }, ctx) => {
        const { reading: engine, actor } = access(ctx);
        const id = keyOfId(engine, 'WebhookSubscription', webhookSubscriptionId);
        return dryRunReplay(engine, actor, id, scopeOf(engine, scope));
      },
    }),
  );
}

export type ReplayParts = ReturnType<typeof addReplay>;

const mode = 'The source from which the requests are made. Default: NEW_PAYLOAD.';
const deliveries =
  'Only the events of these deliveries of the subscription, however they ended: those with the ids or, without ids, those that match all conditions. With it, `from`, `to` and `includeDelivered` are ignored.';

function addSelection(builder: Builder, { delivery }: Parts) {
  return builder.inputType('WebhookReplayDeliveriesInput', {
    description: 'The deliveries whose events a replay sends again.',
    fields: (t) => ({
      ids: t.idList({ description: `The ids of up to ${MAX_BULK_IDS} deliveries. With them, the other conditions are ignored.` }),
      ...delivery.args(asArguments(t)),
    }),
  });
}

type Selected = Parameters<typeof filterOf>[1] & { ids?: readonly string[] | null };

type Selection = ReturnType<typeof addSelection>;

interface Scope {
  from?: Date | null;
  to?: Date | null;
  includeDelivered?: boolean | null;
  mode?: ReplayMode | null;
  deliveries?: Selected | null;
}

function scopeOf(engine: Engine, { from, to, includeDelivered: includes, mode, deliveries }: Scope): ReplayScope {
  const ids = deliveries?.ids?.map((id) => keyOfId(engine, 'WebhookDelivery', id)) ?? null;
  return {
    ...{ from: from ?? null, to: to ?? null, includesDelivered: includes ?? false, mode: mode ?? 'NEW_PAYLOAD' },
    deliveries: deliveries ? { ids, filter: ids ? {} : filterOf(engine, deliveries) } : null,
  };
}

export function addReplaying(
  builder: Builder,
  access: AccessOf,
  { replay, userError, parts }: { replay: ReplayParts; userError: UserErrorRef; parts: Parts },
): void {
  const { enums } = parts;
  const payload = (name: string, done: string) =>
    builder.objectRef<Replayed & Answered>(`${name.charAt(0).toUpperCase()}${name.slice(1)}Payload`).implement({
      description: `The result of \`${name}\`.`,
      fields: (t) => ({
        errors: t.field(errorsOf(userError, `The reasons why the replay was not ${done}; empty on success.`)),
        webhookReplay: t.field({
          type: replay.ref,
          description: 'The replay; `null` when there are errors.',
          resolve: (answered) => answered.replay,
        }),
      }),
    });
  const blank = (field: string): Replayed => ({ problems: [{ field, message: "can't be blank", type: 'BLANK' }], replay: null });

  const selection = addSelection(builder, parts);
  addDryRun(builder, access, { ...parts, selection });
  const scope = builder.inputType('ReplayWebhookEventsInput', {
    description: 'The `input` argument of `replayWebhookEvents`.',
    fields: (t) => ({
      webhookSubscriptionId: t.id({ description: 'The id of the subscription.' }),
      from: t.field({ type: 'DateTime', description: 'The start of the period. Default: the time of the oldest stored event.' }),
      to: t.field({ type: 'DateTime', description: 'The end of the period. Default: now.' }),
      includeDelivered: t.boolean({ description: includeDelivered }),
      mode: t.field({ type: enums.replayMode, description: mode }),
      deliveries: t.field({ type: selection, description: deliveries }),
    }),
  });
  builder.mutationField('replayWebhookEvents', (t) =>
    t.field({
      type: payload('replayWebhookEvents', 'started'),
      nullable: false,
      description:
        'Send the events of a period that a subscription missed: those from before it was created or while it was disabled, and those whose delivery failed. Or send the events of selected deliveries again. Each event becomes a new delivery, whose request has the header `X-Scope-Replay`. A replay does not delay new events.',
      args: {
        webhookSubscriptionId: t.arg.id({ description: 'The id of the subscription.' }),
        from: t.arg({ type: 'DateTime', description: 'The start of the period. Default: the time of the oldest stored event.' }),
        to: t.arg({ type: 'DateTime', description: 'The end of the period. Default: now.' }),
        includeDelivered: t.arg.boolean({ description: includeDelivered }),
        mode: t.arg({ type: enums.replayMode, description: mode }),
        deliveries: t.arg({ type: selection, description: deliveries }),
        input: t.arg({ type: scope, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { input, ...plain }, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = plain.webhookSubscriptionId == null && input ? input : plain;
        const path = asked === input ? ['input'] : [];
        if (asked.webhookSubscriptionId == null) return { ...blank('webhookSubscriptionId'), path };
        const id = keyOfId(engine, 'WebhookSubscription', asked.webhookSubscriptionId);
        const { length = 0 } = asked.deliveries?.ids ?? [];
        if (length > MAX_BULK_IDS) {
          const message = `are ${length}; the maximum in one request is ${MAX_BULK_IDS}`;
          return { problems: [{ field: 'deliveries', message }], replay: null, path };
        }
        return { ...(await replayEvents(engine, actor, id, scopeOf(engine, asked))), path };
      },
    }),
  );

  addSnapshot(builder, access, { payload: payload('snapshotWebhookSubscription', 'started'), blank });

  const one = builder.inputType('CancelWebhookReplayInput', {
    description: 'The `input` argument of `cancelWebhookReplay`.',
    fields: (t) => ({ id: t.id({ description: 'The id of the replay.' }) }),
  });
  builder.mutationField('cancelWebhookReplay', (t) =>
    t.field({
      type: payload('cancelWebhookReplay', 'cancelled'),
      nullable: false,
      description: 'Cancel a replay and its unsent deliveries.',
      args: {
        id: t.arg.id({ description: 'The id of the replay.' }),
        input: t.arg({ type: one, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { id: plain, input }, ctx) => {
        const { engine, actor, loaders } = access(ctx);
        const id = plain ?? input?.id;
        const path = plain == null && input ? ['input'] : [];
        if (id == null) return { ...blank('id'), path };
        const result = await cancelReplay(engine, actor, keyOfId(engine, 'WebhookReplay', id));
        if (result.replay) loaders.replay.clear(result.replay.id);
        return { ...result, path };
      },
    }),
  );
}
