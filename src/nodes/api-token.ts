// An API token in, its user out. Only the token's SHA-256 is stored: it is random, so no slower hash is needed.
import { createHash, randomBytes } from 'node:crypto';
import type { PrismaClient } from '../generated/nodes/client.js';
import type { Viewer } from '../graphql/context.js';

/** How old `last_used_at` may become: a write a minute, not one per request. */
const NOTED_EVERY_MS = 60_000;

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function generateToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Null where nobody has the token, or its user is disabled. */
export async function findViewer(prisma: PrismaClient, token: string): Promise<Viewer | null> {
  const found = await prisma.apiToken.findUnique({
    where: { tokenHash: hashToken(token) },
    select: { id: true, lastUsedAt: true, user: { select: { id: true, organizationId: true, admin: true, disabled: true } } },
  });
  if (!found || found.user.disabled) return null;
  const now = new Date();
  if (!found.lastUsedAt || now.getTime() - found.lastUsedAt.getTime() > NOTED_EVERY_MS)
    await prisma.apiToken.updateMany({ where: { id: found.id }, data: { lastUsedAt: now } });
  const { id, organizationId, admin } = found.user;
  return { userId: id, organizationId, admin };
}
