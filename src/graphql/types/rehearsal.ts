// Adds the GraphQL types of rehearsals: how a replay or a draft would treat stored events, and how the bodies would differ.
import type { ObjectRef } from '@pothos/core';
import { type BodyChange, type Rehearsal, type Rehearsed, type RehearsedEvent, toCursor, type VisibleEvent } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import type { Enums } from './enums.js';

interface Parts {
  enums: Enums;
  event: { ref: ObjectRef<Types, VisibleEvent> };
}

export function addRehearsal(builder: Builder, access: AccessOf, { enums, event }: Parts) {
  const change = addChange(builder);
  const before = addBefore(builder, enums);
  const rehearsed = builder.objectRef<RehearsedEvent>('WebhookRehearsedEvent').implement({
    description: 'The result that a delivery of an event would have, compared with the last request or the live version.',
    fields: (t) => ({
      event: t.field({
        type: event.ref,
        description: 'The event.',
        resolve: ({ eventId }, _args, ctx) => access(ctx).loaders.event.load(eventId),
      }),
      outcome: t.field({
        type: enums.rehearsalOutcome,
        nullable: false,
        description: 'The result that a delivery would have.',
        resolve: (one) => one.outcome,
      }),
      code: t.field({
        type: enums.replayObstacle,
        description: 'Why it is impossible to send the event; `null` for another outcome.',
        resolve: (one) => one.code,
      }),
      stage: t.field({
        type: enums.stage,
        description: 'The stage at which the delivery would end; `null` when a request would be sent.',
        resolve: (one) => one.stage,
      }),
      message: t.exposeString('message', { description: 'Why no request would be sent, in a sentence.' }),
      body: t.exposeString('body', { description: 'The body that would be sent.' }),
      before: t.field({
        type: before,
        description:
          'For a replay, the last request about the event; for a draft, what the live version would do. `null` when there is neither.',
        resolve: (one) => one.before,
      }),
      changes: t.field({
        type: [change],
        nullable: { list: true, items: false },
        description: 'The places where the body differs from that of `before`, up to 50; `null` when there are no two bodies to compare.',
        resolve: (one) => one.changes,
      }),
    }),
  });
  return addPage(builder, rehearsed);
}

export type RehearsalRef = ReturnType<typeof addRehearsal>;

/** Default number of events on a page of a rehearsal. */
export const FIRST_REHEARSED = 25;
export const PAGE_TEXTS = {
  first: `The maximum number of events, up to 100. Default: ${FIRST_REHEARSED}. After 5 seconds a page ends early.`,
  after: 'The `endCursor` of the page before.',
};

function addChange(builder: Builder) {
  return builder.objectRef<BodyChange>('WebhookBodyChange').implement({
    description: 'A place where two bodies differ.',
    fields: (t) => ({
      path: t.exposeString('path', {
        nullable: false,
        description: 'The place: a path such as `$.data.node.name`, or `line 3` where a body is not JSON.',
      }),
      before: t.exposeString('before', { description: 'The JSON of the value, or the lines; `null` when there was none.' }),
      after: t.exposeString('after', { description: 'The JSON of the value, or the lines; `null` when there is none.' }),
    }),
  });
}

function addBefore(builder: Builder, enums: Enums) {
  return builder.objectRef<Rehearsed>('WebhookRehearsalBefore').implement({
    description: 'With what a rehearsal is compared.',
    fields: (t) => ({
      outcome: t.field({
        type: enums.rehearsalOutcome,
        nullable: false,
        description: 'The result that the delivery had, or would have.',
        resolve: (one) => one.outcome,
      }),
      stage: t.field({ type: enums.stage, description: 'The stage at which the delivery would end.', resolve: (one) => one.stage }),
      message: t.exposeString('message', { description: 'Why no request would be sent, in a sentence.' }),
      body: t.exposeString('body', { description: 'The body; `null` when none would be sent, or it is not stored as it was sent.' }),
    }),
  });
}

function addPage(builder: Builder, rehearsed: ObjectRef<Types, RehearsedEvent>) {
  const number = (description: string, count: (events: RehearsedEvent[]) => number) => ({
    nullable: false as const,
    description: `The number of events on this page ${description}`,
    resolve: ({ events }: Rehearsal) => count(events),
  });
  const counting = (is: (event: RehearsedEvent) => boolean) => (events: RehearsedEvent[]) => events.filter(is).length;
  return builder.objectRef<Rehearsal>('WebhookRehearsal').implement({
    description:
      'A page of events with what a delivery of each would do. Nothing is sent or saved. Add the counts of all pages up, or say how many events they are of.',
    fields: (t) => ({
      examinedCount: t.int(number('that were examined.', ({ length }) => length)),
      sentCount: t.int(
        number(
          'about which a request would be sent.',
          counting(({ outcome }) => outcome === 'SENT'),
        ),
      ),
      changedCount: t.int(
        number(
          'about which the body would differ from that of `before`.',
          counting(({ changes }) => changes !== null && changes.length > 0),
        ),
      ),
      unchangedCount: t.int(
        number(
          'about which the body would be that of `before`.',
          counting(({ changes }) => changes?.length === 0),
        ),
      ),
      skippedCount: t.int(
        number(
          'that the validation template would skip.',
          counting(({ outcome }) => outcome === 'SKIPPED'),
        ),
      ),
      failedCount: t.int(
        number(
          'whose delivery would be held.',
          counting(({ outcome }) => outcome === 'FAILED'),
        ),
      ),
      impossibleCount: t.int(
        number(
          'of whose earlier request not enough is stored.',
          counting(({ outcome }) => outcome === 'IMPOSSIBLE'),
        ),
      ),
      events: t.field({
        type: [rehearsed],
        nullable: { list: false, items: false },
        description: 'The events of this page.',
        resolve: ({ events }) => events,
      }),
      endCursor: t.string({
        description: 'The `after` of the next page; `null` when nothing was read.',
        resolve: ({ position }) => (position === null ? null : toCursor(position)),
      }),
      hasNextPage: t.exposeBoolean('hasNext', { nullable: false, description: 'Whether another page may follow.' }),
    }),
  });
}
