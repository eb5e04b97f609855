// What every resolver is handed, made anew for each request and each stored query.

import { reaches, type Scope } from '../../auth/scope.js';
import type { PrismaClient } from '../../generated/nodes/client.js';
import type { QuickWrite } from '../../sources/prisma/quick-write.js';
import type { Actor, Webhooks } from '../../webhooks/index.js';

export interface Viewer {
  userId: string;
  organizationId: string;
  /** May manage users and webhooks of the organization, as far as the scope goes. */
  admin: boolean;
  /** How far the token goes; a stored query runs with READ. */
  scope: Scope;
  /** Null: no token asks; a stored query runs. */
  token: { id: string; name: string } | null;
}

export interface Context {
  /** Answers from snapshots where it is extended so: see overlay.ts. */
  prisma: PrismaClient;
  viewer: Viewer | null;
  webhooks: Webhooks;
  /** Null: Prisma writes everything. */
  quickWrite: QuickWrite | null;
  /** W3C trace parent of the request; goes into the events that it makes. */
  traceparent: string | null;
  /** Organizations that this very request created: their creator may read the answer. */
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
  const canManageWebhooks = viewer.admin && reaches(viewer.scope, 'MANAGE_WEBHOOKS');
  return { tenant: viewer.organizationId, userId: viewer.userId, canManageWebhooks, token: viewer.token };
}
