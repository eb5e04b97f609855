// Adds the fields for those who operate the installation: `webhookCheck`, and the list and the assignment of events without a tenant.
import { GraphQLError } from 'graphql';
import { assignTenant, countWithoutTenant, type EventWithoutTenant, listWithoutTenant } from '../webhooks/index.js';
import { type AccessOf, pageOf } from './access.js';
import type { Builder } from './builder.js';
import { toConnection } from './connection.js';
import { keyOfId } from './own-nodes.js';
import type { Enums } from './types/enums.js';
import { totalOf } from './types/topic.js';
import { type Answered, errorsOf, type UserErrorRef } from './user-error.js';

export interface Operators {
  /** Whether the signed-in user may read data of all tenants. */
  isOperator(context: object): boolean;
  /**
   * Finds problems of announced tables, of finders (the root fields that find a node by its key) and of stored queries.
   * @param sdl a schema that is going to be deployed, to check against; `null`: the current schema
   */
  check(sdl: string | null): Promise<OperatorProblem[]>;
}

export interface OperatorProblem {
  /** `ERROR`: the subject doesn't work, or wouldn't with the new schema. `WARNING`: it works, but an operator should check it. */
  severity: 'ERROR' | 'WARNING';
  /** The node type, finder (a root field that finds a node by its key) or subscription that has the problem. */
  subject: string;
  message: string;
  hint: string | null;
  subscription?: StoredProblem;
}

/** The subscription that a problem is about. */
export interface StoredProblem {
  id: string;
  name: string | null;
  topic: string;
  tenant: string;
  owner: string;
  /** Number of deliveries in the last seven days. */
  recentDeliveries: number;
  /** Paths, such as `data.order.lines.sku`, that the subscription's templates read and that would be empty with the checked schema. */
  emptyPaths: string[];
}

interface Parts {
  operators: Operators;
  enums: Enums;
  userError: UserErrorRef;
}

export function addOperators(builder: Builder, access: AccessOf, { operators, enums, userError }: Parts): void {
  const refuseOthers = (ctx: object) => {
    // `access` is called first, so that a user who isn't signed in gets UNAUTHENTICATED rather than FORBIDDEN.
    const asked = access(ctx);
    if (operators.isOperator(ctx)) return asked;
    throw new GraphQLError('Only an operator may use this field.', { extensions: { code: 'FORBIDDEN' } });
  };
  addCheck(builder, refuseOthers, operators);
  addWithoutTenant(builder, refuseOthers, enums);
  addAssignment(builder, refuseOthers, userError);
}

function addCheck(builder: Builder, access: AccessOf, operators: Operators): void {
  const severity = builder.enumType('WebhookProblemSeverity', {
    description: 'How severe a problem is.',
    values: {
      ERROR: { description: 'Something does not work, or would not work with the new schema.' },
      WARNING: { description: 'Something works, but an operator should check it.' },
    } as const,
  });
  const stored = builder.objectRef<StoredProblem>('WebhookStoredProblem').implement({
    description: 'The subscription that a problem is about.',
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'The id of the subscription.',
        resolve: ({ id }, _args, ctx) => access(ctx).engine.host.toGlobalId('WebhookSubscription', id),
      }),
      name: t.exposeString('name', { description: 'The name of the subscription.' }),
      topicKey: t.exposeString('topic', { nullable: false, description: "The key of the subscription's topic." }),
      tenant: t.exposeString('tenant', { nullable: false, description: 'The tenant that owns the subscription.' }),
      ownerKey: t.exposeString('owner', {
        nullable: false,
        description: "The key of the subscription's owner, with whose rights its query runs.",
      }),
      recentDeliveryCount: t.exposeInt('recentDeliveries', {
        nullable: false,
        description: 'The number of deliveries in the last 7 days.',
      }),
      emptyPaths: t.exposeStringList('emptyPaths', {
        nullable: false,
        description:
          "The paths in the payload that the subscription's templates read and that would be empty, e.g. `data.order.lines.sku`.",
      }),
    }),
  });
  const problem = builder.objectRef<OperatorProblem>('WebhookProblem').implement({
    description: 'A problem of an announced table, a finder or a stored query, now or with a new schema.',
    fields: (t) => ({
      severity: t.field({ type: severity, nullable: false, description: 'How severe the problem is.', resolve: (one) => one.severity }),
      subject: t.exposeString('subject', { nullable: false, description: 'The type, finder or subscription with the problem.' }),
      message: t.exposeString('message', { nullable: false, description: 'The problem, in a sentence.' }),
      hint: t.exposeString('hint', { description: 'Advice for correcting the problem.' }),
      webhookSubscription: t.field({
        type: stored,
        description: 'The subscription with the problem; `null` when the problem is not about a subscription.',
        resolve: (one) => one.subscription ?? null,
      }),
    }),
  });
  builder.queryField('webhookCheck', (t) =>
    t.field({
      type: [problem],
      nullable: { list: false, items: false },
      description: 'For operators: list the problems that `hookgraph check` reports. Empty when there are none.',
      args: {
        schema: t.arg.string({
          description: 'The GraphQL schema to check against, in SDL, e.g. before it is deployed; default: the current schema.',
        }),
      },
      resolve: (_root, { schema }, ctx) => {
        access(ctx);
        return operators.check(schema ?? null);
      },
    }),
  );
}

function addWithoutTenant(builder: Builder, access: AccessOf, enums: Enums): void {
  const ref = builder.objectRef<EventWithoutTenant>('WebhookEventWithoutTenant').implement({
    description: 'An event that was not matched with subscriptions, because its tenant is unknown.',
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'The id of the event.',
        resolve: ({ id }, _args, ctx) => access(ctx).engine.host.toGlobalId('WebhookEvent', id),
      }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type of the changed node.' }),
      nodeKey: t.exposeString('nodeKey', { nullable: false, description: 'The key of the changed node in the database.' }),
      operation: t.field({
        type: enums.operation,
        nullable: false,
        description: 'Whether the node was created, updated or deleted.',
        resolve: ({ operation }) => operation,
      }),
      occurredAt: t.expose('occurredAt', { type: 'DateTime', nullable: false, description: 'The time of the change.' }),
    }),
  });
  const edge = builder.edgeObject({
    name: 'WebhookEventWithoutTenantEdge',
    description: 'An event in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookEventWithoutTenantConnection',
      description: 'A list of events without a tenant, oldest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  builder.queryField('webhookEventsWithoutTenant', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description:
          'For operators: list the events that were not matched with subscriptions because their tenant is unknown, oldest first.',
        resolve: async (_root, args, ctx) => {
          const { pool } = access(ctx).reading;
          return toConnection(
            await listWithoutTenant(pool, pageOf(args)),
            (row) => row.id,
            () => countWithoutTenant(pool),
          );
        },
      },
      connection,
      edge,
    ),
  );
}

function addAssignment(builder: Builder, access: AccessOf, userError: UserErrorRef): void {
  const wrapped = builder.inputType('AssignWebhookEventsInput', {
    description: 'The `input` argument of `assignWebhookEvents`.',
    fields: (t) => ({
      ids: t.idList({ description: 'The ids of the events.' }),
      tenant: t.string({ description: 'The tenant that the events belong to.' }),
    }),
  });
  const payload = builder.objectRef<Answered & { count: number }>('AssignWebhookEventsPayload').implement({
    description: 'The result of `assignWebhookEvents`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why no event was assigned; empty on success.')),
      assignedCount: t.exposeInt('count', {
        nullable: false,
        description: 'The number of events that were assigned; events that already had a tenant are not counted.',
      }),
    }),
  });
  builder.mutationField('assignWebhookEvents', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'For operators: assign events to a tenant, and send them to the subscriptions that existed when they happened.',
      args: {
        ids: t.arg.idList({ description: 'The ids of the events.' }),
        tenant: t.arg.string({ description: 'The tenant that the events belong to.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { input, ...plain }, ctx) => {
        const { engine } = access(ctx);
        const asked = plain.ids == null && input ? input : plain;
        const path = asked === input ? ['input'] : [];
        const blank = (field: string) => ({ problems: [{ field, message: "can't be blank", type: 'BLANK' as const }], count: 0, path });
        if (!asked.ids || asked.ids.length === 0) return blank('ids');
        if (!asked.tenant) return blank('tenant');
        const keys = asked.ids.flatMap((id) => keyOfId(engine, 'WebhookEvent', String(id)) ?? []);
        return { problems: [], count: await assignTenant(engine.pool, keys, asked.tenant), path };
      },
    }),
  );
}
