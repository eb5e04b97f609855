// Adds the mutation that disables or enables all subscriptions of an integration.

import { MOST_SUBSCRIPTIONS, type Switched, switchGroup } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { HostType } from '../host-types.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf } from '../user-error.js';

export function addSwitch(
  builder: Builder,
  access: AccessOf,
  { integration, types, userError }: { integration: HostType; types: WebhookTypes; userError: UserErrorRef },
): void {
  const wrapped = builder.inputType('SwitchWebhookIntegrationInput', {
    description: 'The `input` argument of `switchWebhookIntegration`.',
    fields: (t) => ({
      integrationId: t.id({ description: 'The id of the integration.' }),
      disabled: t.boolean({ description: '`true` disables the subscriptions, `false` enables them.' }),
    }),
  });
  const payload = builder.objectRef<Switched & Answered>('SwitchWebhookIntegrationPayload').implement({
    description: 'The result of `switchWebhookIntegration`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why no subscription was changed; empty on success.')),
      switchedCount: t.exposeInt('count', { nullable: false, description: 'The number of changed subscriptions.' }),
      missedEvents: t.field({
        type: [types.missedEvents],
        nullable: { list: false, items: false },
        description: `The events that each of the enabled subscriptions missed while it was disabled, of the first ${MOST_SUBSCRIPTIONS}; \`WebhookSubscription.missedEvents\` says it of any. Empty when none missed an event.`,
        resolve: ({ missed }) => missed,
      }),
    }),
  });
  builder.mutationField('switchWebhookIntegration', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Disable all your subscriptions of an integration, or enable those that this mutation disabled. Subscriptions that were disabled individually stay disabled.',
      args: {
        integrationId: t.arg.id({ description: 'The id of the integration.' }),
        disabled: t.arg.boolean({ description: '`true` disables the subscriptions, `false` enables them.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { input, ...plain }, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = plain.integrationId == null && input ? input : plain;
        const path = asked === input ? ['input'] : [];
        const blank = (field: string) => ({
          problems: [{ field, message: "can't be blank", type: 'BLANK' as const }],
          count: 0,
          missed: [],
          path,
        });
        if (asked.integrationId == null) return blank('integrationId');
        if (asked.disabled == null) return blank('disabled');
        const key = keyOfId(engine, integration.typename, asked.integrationId);
        return { ...(await switchGroup(engine, actor, key, asked.disabled)), path };
      },
    }),
  );
}
