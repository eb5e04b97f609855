// Adds the mutation that replaces a shared secret, with an overlap during which the old secret still signs.

import { rotateSecret, type SaveResult } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf, warningsOf } from '../user-error.js';

const ARGUMENTS = {
  id: 'The id of the subscription.',
  sharedSecret: 'The new secret. The API never returns it.',
  overlapSeconds:
    'The length of the overlap in seconds, from 0 to 2592000 (30 days). Default: 86400 (one day). During the overlap the schemes STANDARD_WEBHOOKS and HTTP_MESSAGE_SIGNATURES sign with both secrets, all other schemes with the old secret. 0: only the new secret signs from now on.',
};

export function addRotation(
  builder: Builder,
  access: AccessOf,
  { types, userError }: { types: WebhookTypes; userError: UserErrorRef },
): void {
  const wrapped = builder.inputType('RotateWebhookSecretInput', {
    description: 'The `input` argument of `rotateWebhookSecret`.',
    fields: (t) => ({
      id: t.id({ description: ARGUMENTS.id }),
      sharedSecret: t.string({ description: ARGUMENTS.sharedSecret }),
      overlapSeconds: t.int({ description: ARGUMENTS.overlapSeconds }),
    }),
  });
  const payload = builder.objectRef<SaveResult & Answered>('RotateWebhookSecretPayload').implement({
    description: 'The result of `rotateWebhookSecret`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why the secret was not replaced; empty on success.')),
      warnings: t.field(warningsOf(userError, 'Possible mistakes in the new secret, which was saved nevertheless.')),
      webhookSubscription: t.field({
        type: types.subscription.ref,
        description: 'The subscription, whose `secretRotation` says when the overlap ends; `null` when there are errors.',
        resolve: ({ subscription }) => subscription,
      }),
    }),
  });
  builder.mutationField('rotateWebhookSecret', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Replace the shared secret so that the receiver need not reject any notification: let it accept both secrets until the overlap ends. Schemes that send a single signature sign with the old secret until then.',
      args: {
        id: t.arg.id({ description: ARGUMENTS.id }),
        sharedSecret: t.arg.string({ description: ARGUMENTS.sharedSecret }),
        overlapSeconds: t.arg.int({ description: ARGUMENTS.overlapSeconds }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
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
