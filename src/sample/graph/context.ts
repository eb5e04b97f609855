// Makes what every resolver is handed, anew for each request and each stored query.

import { reaches } from '../../auth/scope.js';
import type { Viewer } from '../../auth/viewer.js';
import type { PrismaClient } from '../../generated/nodes/client.js';
import type { Actor, Hookgraph } from '../../index.js';
import type { QuickWrite } from '../../sources/prisma/index.js';

export interface Context {
  /** Of a stored query: reads only, and answers from snapshots where rows are gone. */
  prisma: PrismaClient;
  viewer: Viewer | null;
  webhooks: Pick<Hookgraph['webhooks'], 'passGate' | 'poke'>;
  /** `null`: Prisma writes everything. */
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
