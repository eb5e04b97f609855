// Adds the mutation that creates several subscriptions, all or none.
import { type CreateResult, createSubscriptions, type TryReport, testSubscription } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { WebhookTypes } from '../types/index.js';
import { type InputRef, readAsked } from '../types/input.js';
import { type Answered, errorsOf, type UserErrorRef, warningsOf } from '../user-error.js';

type Result = Answered & Pick<CreateResult, 'subscriptions'> & { reports: (TryReport | null)[] };

/** The name of the argument, which begins the path of each mistake. */
const ARGUMENT = 'webhookSubscriptions';

export function addCreateSeveral(
  builder: Builder,
  access: AccessOf,
  { types, userError, input }: { types: WebhookTypes; userError: UserErrorRef; input: InputRef },
): void {
  const payload = builder.objectRef<Result>('CreateWebhookSubscriptionsPayload').implement({
    description: 'The result of `createWebhookSubscriptions`.',
    fields: (t) => ({
      errors: t.field(
        errorsOf(
          userError,
          'The mistakes, because of which nothing was saved; empty on success. `path` has the index of the subscription.',
        ),
      ),
      warnings: t.field(
        warningsOf(
          userError,
          'Possible mistakes in what was saved nevertheless, and steps that failed after saving, such as sending a test.',
        ),
      ),
      webhookSubscriptions: t.field({
        type: [types.subscription.ref],
        nullable: { list: false, items: false },
        description: 'The new subscriptions, in the order of the argument; empty when there are errors.',
        resolve: ({ subscriptions }) => subscriptions,
      }),
      reports: t.field({
        type: [types.report],
        nullable: { list: false, items: true },
        description: 'The report of the test of each subscription; `null` for one without `test: true`, and when the test cannot be sent.',
        resolve: ({ reports }) => reports,
      }),
    }),
  });
  builder.mutationField('createWebhookSubscriptions', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Create several subscriptions in one transaction: all of them, or none when one has a mistake. For example one for each of several topics, with the same destination. At most 50.',
      args: {
        webhookSubscriptions: t.arg({
          type: [input],
          required: true,
          description: 'The fields of the new subscriptions.',
        }),
      },
      resolve: async (_root, { webhookSubscriptions: written }, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = written.map((one) => readAsked(engine, types.host, one));
        const created = await createSubscriptions(
          engine,
          actor,
          asked.map((one) => one.input),
        );
        const problems: Answered['problems'] = created.problems.map(({ at, ...problem }) => ({
          ...problem,
          path: at === null ? [ARGUMENT] : [ARGUMENT, String(at), ...(problem.field === 'base' ? [] : problem.field.split('.'))],
        }));
        const reports: (TryReport | null)[] = [];
        for (const [at, { id }] of created.subscriptions.entries()) {
          const tested = asked[at]?.test ? await testSubscription(engine, actor, id) : null;
          reports.push(tested?.report ?? null);
          for (const problem of tested?.problems ?? [])
            problems.push({ ...problem, field: 'test', severity: 'warning', path: [ARGUMENT, String(at), 'test'] });
        }
        return { subscriptions: created.subscriptions, problems, reports, path: [ARGUMENT] };
      },
    }),
  );
}
