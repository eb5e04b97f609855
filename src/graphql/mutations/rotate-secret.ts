// Adds the mutation that rotates a shared secret, with a period in which the old secret still signs.

import { rotateSecret, type SaveResult } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf, warningsOf } from '../user-error.js';

const ARGUMENTS = {
  id: 'The id of the subscription.',
  sharedSecret: 'The new secret. It is never answered.',
  overlapSeconds:
    'How long the old secret goes on signing: beside the new one under STANDARD_WEBHOOKS and HTTP_MESSAGE_SIGNATURES, in its place under the others. 0–2592000 (30 days); default: 86400 (a day). 0: the new one at once, and no old one any more.',
};

export function addRotation(
  builder: Builder,
  access: AccessOf,
  { types, userError }: { types: WebhookTypes; userError: UserErrorRef },
): void {
  const wrapped = builder.inputType('RotateWebhookSecretInput', {
    description: 'What `rotateWebhookSecret` takes in its `input` form.',
    fields: (t) => ({
      id: t.id({ description: ARGUMENTS.id }),
      sharedSecret: t.string({ description: ARGUMENTS.sharedSecret }),
      overlapSeconds: t.int({ description: ARGUMENTS.overlapSeconds }),
    }),
  });
  const payload = builder.objectRef<SaveResult & Answered>('RotateWebhookSecretPayload').implement({
    description: 'What `rotateWebhookSecret` answers.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'Why nothing was changed; empty when all is well.')),
      warnings: t.field(warningsOf(userError, 'What looks like a mistake, and was saved all the same.')),
      webhookSubscription: t.field({
        type: types.subscription.ref,
        description: 'The subscription, with its `secretRotation`; null when there are errors.',
        resolve: ({ subscription }) => subscription,
      }),
    }),
  });
  builder.mutationField('rotateWebhookSecret', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Replaces the shared secret in such a way that its receiver refuses nothing: tell it the new secret, and within the overlap let it take both or, where a request carries one signature only, change over when the overlap ends.',
      args: {
        id: t.arg.id({ description: ARGUMENTS.id }),
        sharedSecret: t.arg.string({ description: ARGUMENTS.sharedSecret }),
        overlapSeconds: t.arg.int({ description: ARGUMENTS.overlapSeconds }),
        input: t.arg({ type: wrapped, description: 'The same, one level deeper.' }),
      },
      resolve: async (_root, plain, ctx) => {
        const { engine, actor, loaders } = access(ctx);
        const asked = plain.id == null && plain.input ? plain.input : plain;
        const path = asked === plain ? [] : ['input'];
        if (asked.id == null)
          return { problems: [{ field: 'id', message: "can't be blank", type: 'BLANK' as const }], subscription: null, path };
        const { sharedSecret = null, overlapSeconds = null } = asked;
        const result = await rotateSecret(engine, actor, keyOfId(engine, 'WebhookSubscription', asked.id), {
          sharedSecret,
          overlapSeconds,
        });
        if (result.subscription) loaders.subscription.clear(result.subscription.id);
        return { ...result, path };
      },
    }),
  );
}
