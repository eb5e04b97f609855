// A builder in, how subscriptions make themselves known to their receivers out: asked for with secrets, answered without.
import type { AuthDefinition } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';

export function addAuthInput(builder: Builder) {
  const basic = builder.inputType('WebhookBasicAuthInput', {
    description: 'A user name and a password: `Authorization: basic <base64 of user:password>`.',
    fields: (t) => ({
      username: t.string({ description: 'The user name.' }),
      password: t.string({ description: 'The password; it may be empty.' }),
      scheme: t.string({ description: 'The word before them, e.g. `Basic`; default: `basic`.' }),
    }),
  });
  const token = builder.inputType('WebhookTokenAuthInput', {
    description: 'A token: `Authorization: token <token>`.',
    fields: (t) => ({
      token: t.string({ description: 'The token.' }),
      scheme: t.string({ description: 'The word before it, e.g. `Bearer`; default: `token`.' }),
    }),
  });
  return builder.inputType('WebhookAuthInput', {
    description: 'How to make ourselves known to the receiver: one of these. What is absent in it stays as it is.',
    fields: (t) => ({
      basic: t.field({ type: basic, description: 'By a user name and a password.' }),
      token: t.field({ type: token, description: 'By a token.' }),
    }),
  });
}

export function addAuth(builder: Builder) {
  const kind = builder.enumType('WebhookAuthKind', {
    description: 'How a subscription makes itself known to its receiver.',
    values: {
      BASIC: { description: 'By a user name and a password.' },
      TOKEN: { description: 'By a token.' },
    } as const,
  });
  return builder.objectRef<AuthDefinition>('WebhookAuth').implement({
    description: 'How a subscription makes itself known to its receiver, without its secrets.',
    fields: (t) => ({
      kind: t.field({ type: kind, nullable: false, description: 'In which way.', resolve: (auth) => auth.kind }),
      scheme: t.string({ nullable: false, description: 'The first word of the header `Authorization`.', resolve: (auth) => auth.scheme }),
    }),
  });
}
