// What every resolver is handed, made anew for each request and each stored query.
import type { PrismaClient } from '../generated/nodes/client.js';
import type { Actor, Webhooks } from '../webhooks/index.js';

export interface Viewer {
  userId: string;
  organizationId: string;
  /** May manage users and all webhooks of the organization. */
  admin: boolean;
}

export interface Context {
  /** Answers from snapshots where it is extended so: see overlay.ts. */
  prisma: PrismaClient;
  viewer: Viewer | null;
  webhooks: Webhooks;
  /** W3C trace parent of the request; goes into the events that it makes. */
  traceparent: string | null;
  /** Organizations that this very request created: their creator may read the answer. */
  createdOrganizations: Set<string>;
}

export function createContext({
  prisma,
  viewer,
  webhooks,
  traceparent = null,
}: Pick<Context, 'prisma' | 'viewer' | 'webhooks'> & { traceparent?: string | null }): Context {
  return { prisma, viewer, webhooks, traceparent, createdOrganizations: new Set() };
}

export function actorOf({ viewer }: Context): Actor | null {
  return viewer && { tenant: viewer.organizationId, userId: viewer.userId, canManageWebhooks: viewer.admin };
}
