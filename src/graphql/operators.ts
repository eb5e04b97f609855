// Adds the fields for operators, across all tenants: the check, and events without a tenant. Only for hosts that define
// operators.
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
  /** Whether the signed-in user may see what belongs to all tenants. */
  isOperator(context: object): boolean;
  /**
   * Finds everything that is out of step, or would be with another schema.
   * @param sdl the schema that is going to be deployed; `null`: the current schema
   */
  check(sdl: string | null): Promise<OperatorProblem[]>;
}

export interface OperatorProblem {
  /** `ERROR`: something doesn't work, or wouldn't work. `WARNING`: somebody should look at it. */
  severity: 'ERROR' | 'WARNING';
  /** The type, finder or subscription with the problem. */
  subject: string;
  message: string;
  hint: string | null;
  subscription?: StoredProblem;
}

/** The subscription with the problem. */
export interface StoredProblem {
  id: string;
  name: string | null;
  topic: string;
  tenant: string;
  owner: string;
  /** Number of deliveries in the last seven days. */
  recentDeliveries: number;
  /** Paths that its templates read and that would be empty, such as `data.order.lines.sku`. */
  emptyPaths: string[];
}

interface Parts {
  operators: Operators;
  enums: Enums;
  userError: UserErrorRef;
}

export function addOperators(builder: Builder, access: AccessOf, { operators, enums, userError }: Parts): void {
  const refuseOthers = (ctx: object) => {
    // Checked first: a user who isn't signed in gets UNAUTHENTICATED rather than FORBIDDEN.
    const asked = access(ctx);
    if (operators.isOperator(ctx)) return asked;
    throw new GraphQLError('Only an operator may ask this.', { extensions: { code: 'FORBIDDEN' } });
  };
  addCheck(builder, refuseOthers, operators);
  addWithoutTenant(builder, refuseOthers, enums);
  addAssignment(builder, refuseOthers, userError);
}

function addCheck(builder: Builder, access: AccessOf, operators: Operators): void {
  const severity = builder.enumType('WebhookProblemSeverity', {
    description: 'How bad a problem is.',
    values: {
      ERROR: { description: 'Something doesn’t work, or wouldn’t.' },
      WARNING: { description: 'Somebody should look.' },
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
      name: t.exposeString('name', { description: 'Its name.' }),
      topicKey: t.exposeString('topic', { nullable: false, description: 'The key of its topic.' }),
      tenant: t.exposeString('tenant', { nullable: false, description: 'Whose it is.' }),
      ownerKey: t.exposeString('owner', { nullable: false, description: 'The key of the user as whom its query runs.' }),
      recentDeliveryCount: t.exposeInt('recentDeliveries', { nullable: false, description: 'Its deliveries of the last 7 days.' }),
      emptyPaths: t.exposeStringList('emptyPaths', {
        nullable: false,
        description: 'What its templates read that would be empty, e.g. `data.order.lines.sku`.',
      }),
    }),
  });
  const problem = builder.objectRef<OperatorProblem>('WebhookProblem').implement({
    description: 'Something that is out of step, or would be with another schema.',
    fields: (t) => ({
      severity: t.field({ type: severity, nullable: false, description: 'How bad it is.', resolve: (one) => one.severity }),
      subject: t.exposeString('subject', { nullable: false, description: 'The type, the finder or the subscription that it is about.' }),
      message: t.exposeString('message', { nullable: false, description: 'What is wrong.' }),
      hint: t.exposeString('hint', { description: 'What to do.' }),
      webhookSubscription: t.field({
        type: stored,
        description: 'The subscription that it is about; null when it is about none.',
        resolve: (one) => one.subscription ?? null,
      }),
    }),
  });
  builder.queryField('webhookCheck', (t) =>
    t.field({
      type: [problem],
      nullable: { list: false, items: false },
      description: 'For operators: everything that is out of step, as `hookgraph check` says it. Empty when all is well.',
      args: {
        schema: t.arg.string({ description: 'The GraphQL schema that is going to be deployed, in SDL; default: the one that is served.' }),
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
    description: 'An event that reached nobody, since nothing said whose it was.',
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'The id of the event.',
        resolve: ({ id }, _args, ctx) => access(ctx).engine.host.toGlobalId('WebhookEvent', id),
      }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type of the node that it is about.' }),
      nodeKey: t.exposeString('nodeKey', { nullable: false, description: 'The key of that node in the database.' }),
      operation: t.field({
        type: enums.operation,
        nullable: false,
        description: 'What happened to it.',
        resolve: ({ operation }) => operation,
      }),
      occurredAt: t.expose('occurredAt', { type: 'DateTime', nullable: false, description: 'When it happened.' }),
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
      description: 'A list of events that reached nobody, the oldest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'How many there are on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  builder.queryField('webhookEventsWithoutTenant', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'For operators: the events of all tenants that reached nobody, since nothing said whose they were; the oldest first.',
        resolve: async (_root, args, ctx) => {
          const { pool } = access(ctx).engine;
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
    description: 'What `assignWebhookEvents` takes in its `input` form.',
    fields: (t) => ({
      ids: t.idList({ description: 'The ids of the events.' }),
      tenant: t.string({ description: 'Whose they are.' }),
    }),
  });
  const payload = builder.objectRef<Answered & { count: number }>('AssignWebhookEventsPayload').implement({
    description: 'What `assignWebhookEvents` answers.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'Why nothing was assigned; empty when all is well.')),
      assignedCount: t.exposeInt('count', { nullable: false, description: 'How many of the events had no tenant until now.' }),
    }),
  });
  builder.mutationField('assignWebhookEvents', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'For operators: says whose these events are, and sends them to who subscribed before they happened.',
      args: {
        ids: t.arg.idList({ description: 'The ids of the events.' }),
        tenant: t.arg.string({ description: 'Whose they are.' }),
        input: t.arg({ type: wrapped, description: 'The same, one level deeper.' }),
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
