// Adds the GraphQL type WebhookSecretRotation: a replacement of a shared secret while the old secret still signs.
import type { Builder } from '../builder.js';

export function addRotationType(builder: Builder) {
  return builder.objectRef<{ endsAt: Date }>('WebhookSecretRotation').implement({
    description: 'A replacement of the shared secret whose overlap is in progress.',
    fields: (t) => ({
      endsAt: t.expose('endsAt', {
        type: 'DateTime',
        nullable: false,
        description:
          'The time at which the old secret stops signing. Until then STANDARD_WEBHOOKS and HTTP_MESSAGE_SIGNATURES sign with both secrets, all other schemes with the old secret.',
      }),
    }),
  });
}
