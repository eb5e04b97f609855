// Finds the viewer of an API token. Only the token's SHA-256 is stored: tokens are random, so a slow hash isn't needed.
import { createHash, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { Scope } from './scope.js';
import type { Viewer } from './viewer.js';

/** `refusal` says why the token was refused. UNKNOWN also means that the token's user is disabled. */
export type Authentication =
  | { tokenId: string; viewer: Viewer; refusal: null }
  | { tokenId: string | null; viewer: null; refusal: 'UNKNOWN' | { expiredAt: Date } | { revokedAt: Date } };

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The prefix `hg_` lets secret scanners recognise a leaked token. */
export function generateToken(): string {
  return `hg_${randomBytes(24).toString('base64url')}`;
}

interface Found {
  id: string;
  name: string;
  scope: Scope;
  revokedAt: Date | null;
  expiredAt: Date | null;
  expiresAt: Date | null;
  stale: boolean;
  userId: string;
  organizationId: string;
  admin: boolean;
  disabled: boolean;
}

const FIND = `
  SELECT t.id, t.name, t.scope::text, t.revoked_at AS "revokedAt", t.expires_at AS "expiresAt", CASE WHEN t.expires_at <= now() THEN t.expires_at END AS "expiredAt",
    coalesce(t.last_used_at < now() - interval '1 minute', true) AS stale,
    u.id AS "userId", u.organization_id AS "organizationId", u.admin, u.disabled
  FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE t.token_hash = $1`;

const NOTE_USE = `
  UPDATE api_tokens SET last_used_at = now() WHERE id = $1 AND coalesce(last_used_at < now() - interval '1 minute', true)`;

/**
 * Finds the viewer without a cache, so that every process refuses a revoked token at once. Writes `last_used_at` at
 * most once a minute.
 */
export async function findViewer(pool: Pool, token: string): Promise<Authentication> {
  const { rows } = await pool.query<Found>({ name: 'hookgraph.viewer', text: FIND, values: [hashToken(token)] });
  const [found] = rows;
  if (!found) return { tokenId: null, viewer: null, refusal: 'UNKNOWN' };
  const { id, name, scope, userId, organizationId, admin, revokedAt, expiredAt, expiresAt } = found;
  if (revokedAt) return { tokenId: id, viewer: null, refusal: { revokedAt } };
  if (expiredAt) return { tokenId: id, viewer: null, refusal: { expiredAt } };
  if (found.disabled) return { tokenId: id, viewer: null, refusal: 'UNKNOWN' };
  if (found.stale) await pool.query(NOTE_USE, [id]);
  return { tokenId: id, viewer: { userId, organizationId, admin, scope, token: { id, name, expiresAt } }, refusal: null };
}
