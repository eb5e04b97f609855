// Adds WebhookSecretRotation, a secret rotation in progress.
import type { Builder } from '../builder.js';

export function addRotationType(builder: Builder) {
  return builder.objectRef<{ endsAt: Date }>('WebhookSecretRotation').implement({
    description: 'A replacement of the shared secret that is in progress.',
    fields: (t) => ({
      endsAt: t.expose('endsAt', {
        type: 'DateTime',
        nullable: false,
        description:
          'When the old secret stops signing. Until then requests are signed with both secrets where the scheme allows two signatures (STANDARD_WEBHOOKS, HTTP_MESSAGE_SIGNATURES), and with the old secret alone otherwise.',
      }),
    }),
  });
}
