// Adds the mutation that disables or enables all subscriptions of an integration.

import { type Switched, switchGroup } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { HostType } from '../host-types.js';
import { keyOfId } from '../own-nodes.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf } from '../user-error.js';

export function addSwitch(
  builder: Builder,
  access: AccessOf,
  { integration, userError }: { integration: HostType; userError: UserErrorRef },
): void {
  const wrapped = builder.inputType('SwitchWebhookIntegrationInput', {
    description: 'What `switchWebhookIntegration` takes in its `input` form.',
    fields: (t) => ({
      integrationId: t.id({ description: 'The id of the integration.' }),
      disabled: t.boolean({ description: 'Whether its subscriptions are to be off.' }),
    }),
  });
  const payload = builder.objectRef<Switched & Answered>('SwitchWebhookIntegrationPayload').implement({
    description: 'What `switchWebhookIntegration` answers.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'Why nothing was switched; empty when all is well.')),
      switchedCount: t.exposeInt('count', { nullable: false, description: 'How many subscriptions changed.' }),
    }),
  });
  builder.mutationField('switchWebhookIntegration', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Switches all of your subscriptions that belong to an integration off, or those on again that were switched off so: one that was off by itself stays off.',
      args: {
        integrationId: t.arg.id({ description: 'The id of the integration.' }),
        disabled: t.arg.boolean({ description: 'Whether its subscriptions are to be off.' }),
        input: t.arg({ type: wrapped, description: 'The same, one level deeper.' }),
      },
      resolve: async (_root, { input, ...plain }, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = plain.integrationId == null && input ? input : plain;
        const path = asked === input ? ['input'] : [];
        const blank = (field: string) => ({ problems: [{ field, message: "can't be blank", type: 'BLANK' as const }], count: 0, path });
        if (asked.integrationId == null) return blank('integrationId');
        if (asked.disabled == null) return blank('disabled');
        const key = keyOfId(engine, integration.typename, asked.integrationId);
        return { ...(await switchGroup(engine, actor, key, asked.disabled)), path };
      },
    }),
  );
}
