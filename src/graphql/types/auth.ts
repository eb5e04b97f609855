// Adds how a subscription authenticates to its receiver: an input with secrets, and an output type without them.

import type { AuthDefinition } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { Enums } from './enums.js';

export function addAuthInput(builder: Builder, { clientAuthentication }: Enums) {
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
  const oauth2 = builder.inputType('WebhookOAuth2Input', {
    description: 'OAuth 2.0 client credentials: a token of the token endpoint as `Authorization: Bearer <token>`.',
    fields: (t) => ({
      tokenUrl: t.string({ description: 'The token endpoint: an https URL.' }),
      clientId: t.string({ description: 'The id of the client.' }),
      clientSecret: t.string({ description: 'Its secret.' }),
      scope: t.string({ description: 'What to ask for, separated by spaces.' }),
      audience: t.string({ description: 'For whom the token is, where the token endpoint asks for it.' }),
      clientAuthentication: t.field({
        type: clientAuthentication,
        description: "Where the token endpoint reads the client's id and secret; default: BASIC.",
      }),
    }),
  });
  return builder.inputType('WebhookAuthInput', {
    description: 'How to make ourselves known to the receiver: one of these. What is absent in it stays as it is.',
    fields: (t) => ({
      basic: t.field({ type: basic, description: 'By a user name and a password.' }),
      token: t.field({ type: token, description: 'By a token.' }),
      oauth2: t.field({ type: oauth2, description: 'By OAuth 2.0 client credentials.' }),
    }),
  });
}

export function addAuth(builder: Builder, { clientAuthentication }: Enums) {
  const kind = builder.enumType('WebhookAuthKind', {
    description: 'How a subscription makes itself known to its receiver.',
    values: {
      BASIC: { description: 'By a user name and a password.' },
      TOKEN: { description: 'By a token.' },
      OAUTH2: { description: 'By OAuth 2.0 client credentials.' },
    } as const,
  });
  return builder.objectRef<AuthDefinition>('WebhookAuth').implement({
    description: 'How a subscription makes itself known to its receiver, without its secrets.',
    fields: (t) => ({
      kind: t.field({ type: kind, nullable: false, description: 'In which way.', resolve: (auth) => auth.kind }),
      scheme: t.string({
        nullable: false,
        description: 'The first word of the header `Authorization`.',
        resolve: (auth) => (auth.kind === 'OAUTH2' ? 'Bearer' : auth.scheme),
      }),
      tokenUrl: t.string({ description: 'The token endpoint of OAuth 2.0.', resolve: (auth) => oauth2Of(auth)?.tokenUrl }),
      clientId: t.string({ description: 'The id of the client at that endpoint.', resolve: (auth) => oauth2Of(auth)?.clientId }),
      clientAuthentication: t.field({
        type: clientAuthentication,
        description: "Where that endpoint reads the client's id and secret.",
        resolve: (auth) => oauth2Of(auth)?.clientAuthentication,
      }),
      scope: t.string({ description: 'What is asked for there.', resolve: (auth) => oauth2Of(auth)?.scope }),
      audience: t.string({ description: 'For whom the token is.', resolve: (auth) => oauth2Of(auth)?.audience }),
    }),
  });
}

const oauth2Of = (auth: AuthDefinition) => (auth.kind === 'OAUTH2' ? auth : null);
