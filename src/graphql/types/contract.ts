// Adds the fields `bodySchema` and `egress` of subscriptions: what receivers may rely on, and which columns leave.
import type { ObjectRef } from '@pothos/core';
import {
  type BodySchema,
  bodySchema,
  EGRESS_SOURCES,
  type Egress,
  type EgressField,
  egressOf,
  inferSchema,
  type Json,
  type Subscription,
  type Topic,
} from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { describe } from './enums.js';

interface ToldSchema {
  source: BodySchema['source'] | 'OBSERVED';
  schema: BodySchema['schema'];
  observed: number;
}

export function addContract(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>): void {
  addBodySchema(builder, access, subscription);
  addEgress(builder, access, subscription);
}

function addBodySchema(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>): void {
  const source = builder.enumType('WebhookBodySchemaSource', {
    description: 'How the schema of a body is known.',
    values: {
      EXACT: { description: 'The query determines the body, so each body follows the schema.' },
      OBSERVED: { description: 'The schema was inferred from bodies that a template rendered and that were delivered.' },
      SAMPLE: { description: 'The schema was inferred from one body, which the template rendered from invented data.' },
    } as const,
  });
  const ref = builder.objectRef<ToldSchema>('WebhookBodySchema').implement({
    description: 'The JSON Schema of the bodies of a subscription.',
    fields: (t) => ({
      source: t.field({ type: source, nullable: false, description: 'How the schema is known.', resolve: (one) => one.source }),
      schema: t.field({
        type: 'JSON',
        nullable: false,
        description: 'The JSON Schema.',
        resolve: (one) => one.schema as Json,
      }),
      observedCount: t.exposeInt('observed', {
        nullable: false,
        description: 'The number of bodies from which the schema was inferred; 0 unless it was observed.',
      }),
    }),
  });
  builder.objectField(subscription, 'bodySchema', (t) =>
    t.field({
      type: ref,
      description: 'The JSON Schema of the body. `null` when the body is XML, or nothing is known about what the template renders.',
      resolve: async ({ id, tenant, topicId, definition }, _args, ctx): Promise<ToldSchema | null> => {
        const { engine, loaders } = access(ctx);
        const topic = (await loaders.topic.load(topicId)) as Topic;
        const isObservable = definition.template !== null && definition.contentType === 'JSON';
        const bodies = isObservable ? await loaders.observedBodies.load(id) : [];
        if (bodies.length > 0) return { source: 'OBSERVED', schema: inferSchema(bodies), observed: bodies.length };
        const found = await bodySchema(engine, tenant, definition, topic);
        return found && { ...found, observed: 0 };
      },
    }),
  );
}

function addEgress(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>): void {
  const source = builder.enumType('WebhookEgressSource', {
    description: 'Why a field leaves.',
    values: describe(EGRESS_SOURCES),
  });
  const field = builder.objectRef<EgressField>('WebhookEgressField').implement({
    description: 'A field that a subscription may send.',
    fields: (t) => ({
      source: t.field({ type: source, nullable: false, description: 'Why the field leaves.', resolve: (one) => one.source }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type that has the field.' }),
      field: t.exposeString('field', { nullable: false, description: 'The field.' }),
      table: t.exposeString('table', {
        description: 'The table, with its schema. `null` when the field is computed, or its type is not announced.',
      }),
      column: t.exposeString('column', {
        description: 'The column. `null` when the field is computed, or its type is not announced.',
      }),
    }),
  });
  const ref = builder.objectRef<Egress>('WebhookEgress').implement({
    description: 'Which fields a subscription may send, and to which host. A template may send fewer than the query selects.',
    fields: (t) => ({
      destination: t.exposeString('destination', {
        nullable: false,
        description: 'The host of the URL, or the ARN of the AWS destination.',
      }),
      fields: t.field({
        type: [field],
        nullable: { list: false, items: false },
        description: 'The fields, by type and name.',
        resolve: ({ fields }) => fields,
      }),
    }),
  });
  builder.objectField(subscription, 'egress', (t) =>
    t.field({
      type: ref,
      nullable: false,
      description: 'Which fields and columns the subscription may send, and to which host.',
      resolve: async (one, _args, ctx) => {
        const { engine, loaders } = access(ctx);
        return egressOf(engine, one, (await loaders.topic.load(one.topicId)) as Topic);
      },
    }),
  );
}
