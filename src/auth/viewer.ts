// Defines the signed-in user of the standalone product's API.
import type { Scope } from './scope.js';

export interface Viewer {
  userId: string;
  organizationId: string;
  /** Whether the user may manage users and webhooks of the organization, as far as the scope allows. */
  admin: boolean;
  /** The token's scope; a stored query runs with READ. */
  scope: Scope;
  /** The token of the request; `null` when a stored query runs. */
  token: { id: string; name: string; expiresAt?: Date | null } | null;
}
