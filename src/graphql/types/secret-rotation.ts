// Adds the type of a secret rotation that is in progress.
import type { Builder } from '../builder.js';

export function addRotationType(builder: Builder) {
  return builder.objectRef<{ endsAt: Date }>('WebhookSecretRotation').implement({
    description: 'A replacement of the shared secret that is under way.',
    fields: (t) => ({
      endsAt: t.expose('endsAt', {
        type: 'DateTime',
        nullable: false,
        description:
          'Until then the old secret signs: beside the new one where a request can carry two signatures (STANDARD_WEBHOOKS, HTTP_MESSAGE_SIGNATURES), alone otherwise. From then on the new one alone.',
      }),
    }),
  });
}
