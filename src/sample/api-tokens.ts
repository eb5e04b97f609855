// Adds the type ApiToken and the fields that list, create and revoke tokens. Only `createApiToken` returns a token's text.

import { generateToken, hashToken } from '../auth/api-token.js';
import type { Scope } from '../auth/scope.js';
import type { Viewer } from '../auth/viewer.js';
import type { ApiToken, Prisma, User } from '../generated/nodes/client.js';
import { millisecondsOf } from '../index.js';
import { refusePage } from './graph/connections.js';
import type { Context } from './graph/context.js';
import { decodeGlobalId, encodeGlobalId, whereKey } from './graph/global-id.js';
import { cursorIsGone } from './graph/own-cursors.js';
import type { Builder } from './graph/schema-types.js';
import type { UserError, UserErrorRef } from './graph/user-error.js';
import { enumOf, modelOf } from './prisma.js';

const USUAL_LIFE_DAYS = 90;
const MAX_NAME_LENGTH = 100;

interface Asked {
  name?: string | null;
  scope?: Scope | null;
  expiresAt?: Date | null;
}

interface Payload {
  errors: UserError[];
  token: string | null;
  row: (ApiToken & { user: User }) | null;
}

/** Returns Prisma's `where` for the tokens that the viewer may read: the viewer's or, for an admin, the organization's. */
function whereVisible({ userId, organizationId, admin }: Viewer): Prisma.ApiTokenWhereInput {
  return admin ? { user: { organizationId } } : { userId };
}

const nobody: Prisma.ApiTokenWhereInput = { id: { in: [] } };

export function addApiTokens(builder: Builder, userError: UserErrorRef): void {
  const scope = addScope(builder);
  const type = addType(builder, scope);
  addConnection(builder);
  addCreate(builder, { scope, type, userError });
  addRevoke(builder, { type, userError });
}

function addScope(builder: Builder) {
  const { documentation, values } = enumOf('ApiTokenScope');
  const described = Object.fromEntries(values.map((value) => [value.name, { description: value.documentation }]));
  return builder.enumType('ApiTokenScope', { description: documentation, values: described as Record<Scope, object> });
}

type ScopeRef = ReturnType<typeof addScope>;

/** Adds the type ApiToken. It isn't a node type, so that API tokens cause no events. */
function addType(builder: Builder, scope: ScopeRef) {
  return builder.prismaObject('ApiToken', {
    description: 'An API token: acts as its user, within its scope.',
    include: { user: true },
    authScopes: ({ userId, user }, { viewer }) =>
      viewer !== null && (userId === viewer.userId || (viewer.admin && user.organizationId === viewer.organizationId)),
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'The global id of the token, for `revokeApiToken`.',
        resolve: ({ id }) => encodeGlobalId('ApiToken', id),
      }),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the token in the database.' }),
      name: t.exposeString('name', { nullable: false, description: 'The name of the token, e.g. what it is used for.' }),
      scope: t.field({ type: scope, nullable: false, description: 'The actions that the token allows.', resolve: (token) => token.scope }),
      user: t.relation('user', { nullable: true, description: 'The user as whom the token acts.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The time at which the token was created.' }),
      lastUsedAt: t.expose('lastUsedAt', {
        type: 'DateTime',
        description: 'The time of its last use, to the minute; `null` when it was never used.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        description: 'The time at which the token expires; `null` when it never expires.',
      }),
      revokedAt: t.expose('revokedAt', {
        type: 'DateTime',
        description: 'The time at which the token was revoked; `null` when it was not.',
      }),
      active: t.boolean({
        nullable: false,
        description: 'Whether the API accepts the token: it is neither expired nor revoked.',
        resolve: ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || millisecondsOf(expiresAt) > Date.now()),
      }),
    }),
  });
}

type TypeRef = ReturnType<typeof addType>;

function addConnection(builder: Builder): void {
  builder.queryField('apiTokens', (t) =>
    t.prismaConnection(
      {
        type: 'ApiToken',
        cursor: 'id',
        nullable: true,
        description:
          'List your API tokens, including revoked and expired tokens, oldest first. An admin sees all tokens of the organization.',
        totalCount: (_root, _args, { prisma, viewer }) => prisma.apiToken.count({ where: viewer ? whereVisible(viewer) : nobody }),
        resolve: async (query, _root, args, { prisma, viewer }) => {
          refusePage({ ...args });
          const where = viewer ? whereVisible(viewer) : nobody;
          if (query.cursor && !(await prisma.apiToken.findFirst({ where: { AND: [query.cursor, where] } }))) throw cursorIsGone();
          return prisma.apiToken.findMany({ ...query, where, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
        },
      },
      {
        name: 'ApiTokenConnection',
        description: 'A page of tokens.',
        fields: (f) => ({
          totalCount: f.int({
            nullable: false,
            description: 'The number of objects on all pages.',
            resolve: (page) => (page as unknown as { totalCount: () => Promise<number> }).totalCount(),
          }),
        }),
      },
      { name: 'ApiTokenEdge', description: 'A token in a connection.' },
    ),
  );
}

function addCreate(builder: Builder, { scope, type, userError }: { scope: ScopeRef; type: TypeRef; userError: UserErrorRef }): void {
  const input = builder.inputType('ApiTokenInput', {
    description: 'A token to create.',
    fields: (t) => ({
      name: t.string({ description: `The name of the token, up to ${MAX_NAME_LENGTH} characters.` }),
      scope: t.field({ type: scope, description: 'The actions that the token allows; default: READ.' }),
      expiresAt: t.field({
        type: 'DateTime',
        description: `The time at which the token expires; absent: in ${USUAL_LIFE_DAYS} days; \`null\`: never.`,
      }),
    }),
  });
  const wrapped = builder.inputType('CreateApiTokenInput', {
    description: 'The `input` argument of `createApiToken`.',
    fields: (t) => ({ apiToken: t.field({ type: input, description: 'The token.' }) }),
  });
  const payload = builder.objectRef<Payload>('CreateApiTokenPayload').implement({
    description: 'The result of the mutation.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError)),
      token: t.exposeString('token', {
        description:
          'The secret to send as `Authorization: Token token=…`. Store it now: it is never shown again. `null` when there are errors.',
      }),
      apiToken: t.field({ type, description: 'The token; `null` when there are errors.', resolve: ({ row }) => row }),
    }),
  });
  builder.mutationField('createApiToken', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'Create an API token for yourself. Requires a token with the scope ADMIN.',
      args: {
        apiToken: t.arg({ type: input, description: 'The token.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: (_root, args, ctx) => {
        const inner = args.input?.apiToken;
        return create(inner ?? args.apiToken ?? {}, inner ? ['input', 'apiToken'] : ['apiToken'], ctx);
      },
    }),
  );
}

async function create(asked: Asked, path: string[], { prisma, viewer }: Context): Promise<Payload> {
  if (!viewer) return refused({ field: 'base', message: 'not signed in', path, type: 'FORBIDDEN' });
  const name = asked.name?.trim() ?? '';
  const expiresAt = asked.expiresAt === undefined ? new Date(Date.now() + USUAL_LIFE_DAYS * 86_400_000) : asked.expiresAt;
  const errors: UserError[] = [];
  const fail = (field: string, message: string, type: UserError['type'] = 'INVALID') =>
    errors.push({ field, message, path: [...path, field], type });
  if (name === '') fail('name', "can't be blank", 'BLANK');
  if (name.length > MAX_NAME_LENGTH) fail('name', `has ${name.length} characters, more than ${MAX_NAME_LENGTH}`);
  if (/\0|\p{Surrogate}/u.test(name)) fail('name', 'contains a control character');
  if (expiresAt && millisecondsOf(expiresAt) <= Date.now()) fail('expiresAt', 'must be in the future');
  if (errors.length > 0) return refused(...errors);
  const token = generateToken();
  const row = await prisma.apiToken.create({
    data: { userId: viewer.userId, name, scope: asked.scope ?? 'READ', expiresAt, tokenHash: hashToken(token) },
    include: { user: true },
  });
  return { errors: [], token, row };
}

function addRevoke(builder: Builder, { type, userError }: { type: TypeRef; userError: UserErrorRef }): void {
  const wrapped = builder.inputType('RevokeApiTokenInput', {
    description: 'The `input` argument of `revokeApiToken`.',
    fields: (t) => ({ id: t.id({ description: 'The id of the token.' }) }),
  });
  const payload = builder.objectRef<Payload>('RevokeApiTokenPayload').implement({
    description: 'The result of the mutation.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError)),
      apiToken: t.field({ type, description: 'The token; `null` when there are errors.', resolve: ({ row }) => row }),
    }),
  });
  builder.mutationField('revokeApiToken', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Revoke one of your API tokens at once and for good; an admin can revoke all tokens of the organization. Revoking a token again changes nothing.',
      args: {
        id: t.arg.id({ description: 'The id of the token.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: (_root, { id, input }, ctx) => revoke(id ?? input?.id ?? null, id == null && input ? ['input', 'id'] : ['id'], ctx),
    }),
  );
}

async function revoke(id: string | null, path: string[], { prisma, viewer }: Context): Promise<Payload> {
  if (!viewer) return refused({ field: 'base', message: 'not signed in', path: [], type: 'FORBIDDEN' });
  if (id === null) return refused({ field: 'id', message: "can't be blank", path, type: 'BLANK' });
  const decoded = decodeGlobalId(id);
  const where = decoded?.typename === 'ApiToken' ? whereKey(modelOf('ApiToken'), decoded.key) : null;
  if (!where) return refused({ field: 'id', message: 'not found', path, type: 'NOT_FOUND' });
  const visible = { AND: [where, whereVisible(viewer)] };
  await prisma.apiToken.updateMany({ where: { AND: [visible, { revokedAt: null }] }, data: { revokedAt: new Date() } });
  const row = await prisma.apiToken.findFirst({ where: visible, include: { user: true } });
  return row ? { errors: [], token: null, row } : refused({ field: 'id', message: 'not found', path, type: 'NOT_FOUND' });
}

const refused = (...errors: UserError[]): Payload => ({ errors, token: null, row: null });

const errorsOf = (userError: UserErrorRef) => ({
  type: [userError] as [UserErrorRef],
  nullable: { list: false as const, items: false as const },
  description: 'The mistakes in the input; empty on success.',
  resolve: ({ errors }: Payload) => errors,
});
