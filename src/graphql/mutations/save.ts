// Adds the mutations that create, update and delete subscriptions.

import {
  createSubscription,
  deleteSubscription,
  type Problem,
  type SaveResult,
  type SubscriptionInput,
  type TryReport,
  testSubscription,
  updateSubscription,
} from '../../webhooks/index.js';
import type { Access, AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { WebhookTypes } from '../types/index.js';
import { type InputRef, readAsked } from '../types/input.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf, warningsOf } from '../user-error.js';

type Save = (access: Access, id: string | null, input: SubscriptionInput, expectedVersion: number | null) => Promise<SaveResult>;

/** The GraphQL descriptions of a mutation, its argument, and the fields `errors` and `warnings` of its payload. */
interface Mutation {
  description: string;
  argument: string;
  errors: string;
  warnings: string;
  save: Save;
}

const ERRORS = 'The mistakes in the input, because of which nothing was saved; empty on success.';
const WARNINGS =
  'Possible mistakes in the input, which was saved nevertheless, and steps that failed after saving, such as sending the test.';

const MUTATIONS: Record<string, Mutation> = {
  create: {
    description: 'Create a subscription to a topic.',
    argument: 'The fields of the new subscription.',
    errors: ERRORS,
    warnings: WARNINGS,
    save: ({ engine, actor }, _id, input) => createSubscription(engine, actor, input),
  },
  update: {
    description: 'Change, enable or disable a subscription. Absent fields stay as they are; `null` clears a field.',
    argument: 'The `id` of the subscription, and the fields to change.',
    errors: ERRORS,
    warnings: WARNINGS,
    save: ({ engine, actor }, id, input, expected) =>
      id === null ? Promise.resolve(NO_ID) : updateSubscription(engine, actor, id, input, expected),
  },
  delete: {
    description: 'Delete a subscription and its secrets, and cancel its unsent deliveries. The history of its deliveries is kept.',
    argument: 'The `id` of the subscription. All other fields are ignored.',
    errors: 'The reasons why the subscription was not deleted; empty on success.',
    warnings: 'Steps that failed after the subscription was deleted and will be retried, such as deleting its SNS topic.',
    save: ({ engine, actor }, id) => (id === null ? Promise.resolve(NO_ID) : deleteSubscription(engine, actor, id)),
  },
};

const NO_ID: SaveResult = { subscription: null, problems: [{ field: 'id', message: "can't be blank", type: 'BLANK' }] };

export function addMutations(
  builder: Builder,
  access: AccessOf,
  { types, userError, input }: { types: WebhookTypes; userError: UserErrorRef; input: InputRef },
): void {
  for (const [verb, { description, argument, errors, warnings, save }] of Object.entries(MUTATIONS)) {
    const typename = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}WebhookSubscription`;
    const wrapped = builder.inputType(`${typename}Input`, {
      description: `The \`input\` argument of \`${verb}WebhookSubscription\`.`,
      fields: (t) => ({ webhookSubscription: t.field({ type: input, description: argument }) }),
    });
    const payload = builder.objectRef<SaveResult & Answered & { report: TryReport | null }>(`${typename}Payload`).implement({
      description: `The result of \`${verb}WebhookSubscription\`.`,
      fields: (t) => ({
        errors: t.field(errorsOf(userError, errors)),
        warnings: t.field(warningsOf(userError, warnings)),
        webhookSubscription: t.field({
          type: types.subscription.ref,
          description:
            verb === 'delete'
              ? 'The deleted subscription; `null` when there are errors.'
              : 'The saved subscription; `null` when there are errors.',
          resolve: ({ subscription }) => subscription,
        }),
        ...(verb !== 'delete' && {
          report: t.field({
            type: types.report,
            description:
              'The report of the test, if the input has `test: true`; `null` without a test. When the test cannot be sent, `warnings` says why.',
            resolve: ({ report }) => report,
          }),
        }),
        ...(verb === 'update' && {
          missedEvents: t.field({
            type: types.missedEvents,
            description: 'The events that were missed while the subscription was disabled, if the update enabled it; `null` otherwise.',
            resolve: ({ missed, subscription }) => (missed && subscription ? { ...missed, subscriptionId: subscription.id } : null),
          }),
        }),
      }),
    });
    builder.mutationField(`${verb}WebhookSubscription`, (t) =>
      t.field({
        type: payload,
        nullable: false,
        description,
        args: {
          webhookSubscription: t.arg({ type: input, description: argument }),
          input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
        },
        resolve: async (_root, args, ctx) => {
          const own = access(ctx);
          const {
            id,
            input: asked,
            test,
            expectedVersion,
          } = readAsked(own.engine, types.host, args.webhookSubscription ?? args.input?.webhookSubscription ?? {});
          const { subscription, problems, missed } = await save(own, id, asked, expectedVersion);
          if (subscription && verb !== 'delete') own.loaders.subscription.clear(subscription.id);
          const tested = subscription && test && verb !== 'delete' ? await testSubscription(own.engine, own.actor, subscription.id) : null;
          const untested = tested?.problems.map((one): Problem => ({ ...one, field: 'test', severity: 'warning' })) ?? [];
          const path = args.webhookSubscription || !args.input ? ['webhookSubscription'] : ['input', 'webhookSubscription'];
          return { subscription, problems: [...problems, ...untested], missed, report: tested?.report ?? null, path };
        },
      }),
    );
  }
}
