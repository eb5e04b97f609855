// Adds the GraphQL type WebhookRetention (how long an organization keeps history), its changes, and the mutation that changes it.
import type { ObjectRef } from '@pothos/core';
import { GraphQLError } from 'graphql';
import {
  countRetentionChanges,
  installationRetention,
  keepHistory,
  listRetentionChanges,
  type RetentionChange,
  readTenantRetention,
  type SavedRetention,
  type TenantRetention,
} from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import { type Answered, errorsOf, type UserErrorRef } from '../user-error.js';
import { totalOf } from './topic.js';

const KINDS = {
  bodyDays: { kind: 'bodies', what: 'requests and responses, with headers and bodies, of attempts that succeeded or were skipped' },
  attemptDays: { kind: 'attempts', what: 'attempts that succeeded or were skipped' },
  errorDays: { kind: 'errors', what: 'attempts that failed or were held, with their requests and responses' },
  eventDays: { kind: 'events', what: 'events, and deliveries that ended' },
} as const;
type DaysField = keyof typeof KINDS;
const FIELDS = Object.entries(KINDS) as [DaysField, (typeof KINDS)[DaysField]][];

type Days = Partial<TenantRetention>;

export function addRetention(builder: Builder, access: AccessOf, userError: UserErrorRef): void {
  const days = builder.objectRef<Days>('WebhookRetentionDays').implement({
    description: 'Days for which each kind of history is kept.',
    fields: (t) =>
      Object.fromEntries(
        FIELDS.map(([name, { kind, what }]) => [name, t.int({ description: `Days of ${what}.`, resolve: (row) => row[kind] ?? null })]),
      ),
  });
  const changes = addChanges(builder, days);
  const ref = builder.objectRef<TenantRetention>('WebhookRetention').implement({
    description: 'How long your organization keeps history. Each kind is kept for the shorter of the two times.',
    fields: (t) => ({
      own: t.field({
        type: days,
        nullable: false,
        description: 'The days that your organization has set; `null`: none are set.',
        resolve: (own) => own,
      }),
      installation: t.field({
        type: days,
        nullable: false,
        description: 'The days of the installation; `null`: without limit.',
        resolve: (_own, _args, ctx) => installationRetention(access(ctx).engine),
      }),
      changes: t.connection(
        {
          type: changes.ref,
          nullable: false,
          description: 'The changes of the days that your organization has set, newest first.',
          resolve: async (_own, args, ctx) => {
            const { reading, actor } = access(ctx);
            return toConnection(
              await listRetentionChanges(reading.pool, actor.tenant, pageOf(args)),
              (row) => row.id,
              () => countRetentionChanges(reading.pool, actor.tenant),
            );
          },
        },
        changes.connection,
        changes.edge,
      ),
    }),
  });
  builder.queryField('webhookRetention', (t) =>
    t.field({
      type: ref,
      nullable: false,
      description: 'Read how long your organization keeps history, and who changed it. Only admins may read it.',
      resolve: (_root, _args, ctx) => {
        const { reading, actor } = access(ctx);
        if (!actor.canManageWebhooks)
          throw new GraphQLError('You are not allowed to manage webhooks.', { extensions: { code: 'FORBIDDEN' } });
        return readTenantRetention(reading.pool, actor.tenant);
      },
    }),
  );
  addUpdate(builder, access, { ref, userError });
}

function addChanges(builder: Builder, days: ObjectRef<Types, Days>) {
  const ref = builder.objectRef<RetentionChange>('WebhookRetentionChange').implement({
    description: 'A change of how long an organization keeps history. Changes are never altered.',
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the change; later changes have greater ids.' }),
      at: t.expose('at', { type: 'DateTime', nullable: false, description: 'The time of the change.' }),
      changedBy: t.exposeString('userId', { nullable: false, description: 'The id of the user who made the change.' }),
      tokenId: t.exposeString('tokenId', { description: 'The id of the API token that was used; `null` when it is unknown.' }),
      tokenName: t.exposeString('tokenName', { description: 'The name of the API token that was used; `null` when it is unknown.' }),
      before: t.field({
        type: days,
        nullable: false,
        description: 'The days that were set before; `null`: none were.',
        resolve: ({ before }) => before,
      }),
      after: t.field({
        type: days,
        nullable: false,
        description: 'The days that are set since; `null`: none are.',
        resolve: ({ after }) => after,
      }),
    }),
  });
  const edge = builder.edgeObject({
    name: 'WebhookRetentionChangeEdge',
    description: 'A change of how long history is kept, in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookRetentionChangeConnection',
      description: 'A list of changes of how long history is kept, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  return { ref, edge, connection };
}

function addUpdate(
  builder: Builder,
  access: AccessOf,
  { ref, userError }: { ref: ObjectRef<Types, TenantRetention>; userError: UserErrorRef },
): void {
  const payload = builder.objectRef<SavedRetention & Answered>('UpdateWebhookRetentionPayload').implement({
    description: 'The result of `updateWebhookRetention`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why nothing was changed; empty on success.')),
      webhookRetention: t.field({
        type: ref,
        description: 'How long history is kept from now on; `null` when there are errors.',
        resolve: ({ retention }) => retention,
      }),
    }),
  });
  const described = ({ what }: { what: string }) =>
    `Days of ${what}: at least 1, at most as many as the installation keeps. \`null\`: as long as the installation. Absent: no change.`;
  const wrapped = builder.inputType('UpdateWebhookRetentionInput', {
    description: 'The `input` argument of `updateWebhookRetention`.',
    fields: (t) => Object.fromEntries(FIELDS.map(([name, kind]) => [name, t.int({ description: described(kind) })])),
  });
  builder.mutationField('updateWebhookRetention', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Let your organization keep less history than the installation does. Workers delete older rows within ten minutes, and cannot bring them back. The change is recorded.',
      args: {
        ...Object.fromEntries(FIELDS.map(([name, kind]) => [name, t.arg.int({ description: described(kind) })])),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { input, ...plain }, ctx) => {
        const { engine, actor } = access(ctx);
        const given: Partial<Record<DaysField, number | null>> = Object.keys(plain).length === 0 && input ? input : plain;
        const changed = FIELDS.flatMap(([name, { kind }]) => (given[name] === undefined ? [] : [[kind, given[name]] as const]));
        return { ...(await keepHistory(engine, actor, Object.fromEntries(changed))), path: given === plain ? [] : ['input'] };
      },
    }),
  );
}
