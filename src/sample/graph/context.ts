// Creates the GraphQL context of resolvers, once for each request and each stored query.

import { reaches } from '../../auth/scope.js';
import type { Viewer } from '../../auth/viewer.js';
import type { PrismaClient } from '../../generated/nodes/client.js';
import type { Actor, Hookgraph } from '../../index.js';
import type { QuickWrite } from '../../sources/prisma/index.js';

export interface Context {
  /** The Prisma client that resolvers use. In a stored query it is read-only, and returns deleted rows as the event recorded them. */
  prisma: PrismaClient;
  viewer: Viewer | null;
  webhooks: Pick<Hookgraph['webhooks'], 'passGate' | 'poke'>;
  /** Runs writes that need only one SQL statement without Prisma; `null`: Prisma runs all writes. */
  quickWrite: QuickWrite | null;
  /** The request's W3C traceparent, recorded in the events that the request causes. */
  traceparent: string | null;
  /** Ids of organizations created by this request, so that their creator may read the response. */
  createdOrganizations: Set<string>;
}

export function createContext({
  prisma,
  viewer,
  webhooks,
  quickWrite = null,
  traceparent = null,
}: Pick<Context, 'prisma' | 'viewer' | 'webhooks'> & Partial<Pick<Context, 'quickWrite' | 'traceparent'>>): Context {
  return { prisma, viewer, webhooks, quickWrite, traceparent, createdOrganizations: new Set() };
}

export function actorOf({ viewer }: Context): Actor | null {
  if (!viewer) return null;
  const { organizationId: tenant, userId, admin, scope, token } = viewer;
  const isAllowed = reaches(scope, 'MANAGE_WEBHOOKS');
  const cannotManageReason = !admin
    ? 'Only admins of the organization may manage webhooks.'
    : isAllowed
      ? null
      : `The token's scope is ${scope}, but this needs MANAGE_WEBHOOKS.`;
  return { tenant, userId, canManageWebhooks: admin && isAllowed, cannotManageReason, token: token && { ...token, scope } };
}
