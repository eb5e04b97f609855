// Declares how requests authenticate to the receiver.
import type { AuthDefinition } from '../definition.js';
import { type AuthDraft, checkAuth, mergeAuth } from './auth-values.js';
import type { EnumType, Field, FieldType } from './field.js';

const CLIENT_AUTHENTICATION_ENUM = {
  kind: 'ENUM',
  typename: 'WebhookClientAuthentication',
  description: 'How OAuth 2.0 client credentials are sent to the token endpoint.',
  values: { BASIC: 'In the header `Authorization` (client_secret_basic).', POST: 'In the request body (client_secret_post).' },
} as const satisfies EnumType;

const KIND_ENUM = {
  kind: 'ENUM',
  typename: 'WebhookAuthKind',
  description: 'A kind of authentication to a receiver.',
  values: { BASIC: 'With a user name and a password.', TOKEN: 'With a fixed token.', OAUTH2: 'With OAuth 2.0 client credentials.' },
} as const satisfies EnumType;

const TEXT: FieldType = { kind: 'TEXT' };
const given = (name: string, description: string, more: Partial<Field> = {}): Field => ({
  name,
  type: TEXT,
  description,
  output: false,
  ...more,
});
const secret = (name: string, description: string): Field => given(name, description, { secret: true });

const BASIC = given('basic', 'Authenticate with a user name and a password.', {
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookBasicAuthInput',
      description: 'Authentication with a user name and a password: `Authorization: basic <base64 of user:password>`.',
    },
    fields: [
      secret('username', 'The user name.'),
      secret('password', 'The password. It may be empty.'),
      given('scheme', 'The authentication scheme: the word before the credentials, such as `Basic`.', { default: 'basic' }),
    ],
  },
});

const TOKEN = given('token', 'Authenticate with a fixed token.', {
  type: {
    kind: 'RECORD',
    input: { typename: 'WebhookTokenAuthInput', description: 'Authentication with a fixed token: `Authorization: token <token>`.' },
    fields: [
      secret('token', 'The token.'),
      given('scheme', 'The authentication scheme: the word before the token, such as `Bearer`.', { default: 'token' }),
    ],
  },
});

const OAUTH2 = given('oauth2', 'Authenticate with OAuth 2.0 client credentials.', {
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookOAuth2Input',
      description: 'OAuth 2.0 client credentials. The access token is sent as `Authorization: Bearer <token>`.',
    },
    fields: [
      given('tokenUrl', 'The https URL of the OAuth 2.0 token endpoint.'),
      given('clientId', 'The OAuth 2.0 client id.'),
      secret('clientSecret', 'The OAuth 2.0 client secret. It is never returned.'),
      given('scope', 'The scopes to request, separated by spaces.'),
      given('audience', 'The audience to request, if the token endpoint requires it.'),
      given('clientAuthentication', 'How the client credentials are sent to the token endpoint.', {
        type: CLIENT_AUTHENTICATION_ENUM,
        default: 'BASIC',
      }),
    ],
  },
});

const oauth2Of = (auth: AuthDefinition) => (auth.kind === 'OAUTH2' ? auth : null);
const FILLED_IN = { isFilledIn: true };

const RETURNED: Field[] = [
  {
    name: 'kind',
    type: KIND_ENUM,
    description: 'The kind of authentication.',
    input: false,
    output: { required: true },
    file: FILLED_IN,
  },
  {
    name: 'scheme',
    type: TEXT,
    description: 'The authentication scheme: the first word of the header `Authorization`.',
    input: false,
    output: { required: true, read: (auth: AuthDefinition) => (auth.kind === 'OAUTH2' ? 'Bearer' : auth.scheme) },
    file: FILLED_IN,
  },
  ...(
    [
      ['tokenUrl', 'The URL of the OAuth 2.0 token endpoint.'],
      ['clientId', 'The OAuth 2.0 client id.'],
      ['clientAuthentication', 'How the client credentials are sent to the token endpoint.'],
      ['scope', 'The scopes that are requested, separated by spaces.'],
      ['audience', 'The audience that is requested.'],
    ] as const
  ).map(
    ([name, description]): Field => ({
      name,
      type: name === 'clientAuthentication' ? CLIENT_AUTHENTICATION_ENUM : TEXT,
      description,
      input: false,
      output: { read: (auth: AuthDefinition) => oauth2Of(auth)?.[name] },
      ...(name === 'clientAuthentication' && { file: FILLED_IN }),
    }),
  ),
];

export const AUTH = {
  name: 'auth',
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookAuthInput',
      description:
        'How requests authenticate to the receiver: exactly one of `basic`, `token` and `oauth2`. An absent field keeps its saved value if the kind of authentication stays the same.',
    },
    output: { typename: 'WebhookAuth', description: 'How requests authenticate to the receiver, without the secrets.' },
    fields: [BASIC, TOKEN, OAUTH2, ...RETURNED],
  },
  description: 'How requests authenticate to the receiver. Its secrets are never returned.',
  output: { description: 'How requests authenticate to the receiver. `null` when they do not authenticate.' },
  options: [
    { flags: '--auth-basic <user:password>', help: 'authenticate with a user name and a password; the value may be env:NAME or @file' },
    { flags: '--auth-token <token>', help: 'authenticate with a fixed token; the value may be env:NAME or @file' },
    { flags: '--auth-scheme <word>', help: 'the authentication scheme: the word before the credentials, e.g. Bearer' },
    {
      flags: '--oauth2 <name=value>',
      help: 'authenticate with OAuth 2.0: tokenUrl=…, clientId=…, clientSecret=env:NAME or scope=…; can be repeated',
      isRepeated: true,
    },
  ],
  file: { write: toFile, asReturned },
  merge: mergeAuth,
  check: checkAuth,
  store: ({ definition, secrets }: AuthDraft) => ({ definition: { auth: definition }, secrets: { auth: secrets } }),
} as const satisfies Field;

function toFile({ auth }: Readonly<Record<string, unknown>>, secretOf: (end: string) => unknown): unknown {
  if (!auth) return null;
  const { kind, scheme, ...oauth2 } = auth as Record<string, unknown>;
  if (kind === 'BASIC') return { basic: { username: secretOf('USERNAME'), password: secretOf('PASSWORD'), scheme } };
  if (kind === 'TOKEN') return { token: { token: secretOf('TOKEN'), scheme } };
  return { oauth2: { ...oauth2, clientSecret: secretOf('CLIENT_SECRET') } };
}

function asReturned(input: Readonly<Record<string, Record<string, unknown> | null>>): unknown {
  const [kind, values] = Object.entries(input).find(([, value]) => value != null) ?? ['', null];
  const shown = RETURNED.map(({ name }) => [name, values?.[name]] as const).filter(([, value]) => value != null);
  return { kind: kind.toUpperCase(), ...Object.fromEntries(shown) };
}
