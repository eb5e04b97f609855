// Who asks the API of the product that runs by itself.
import type { Scope } from './scope.js';

export interface Viewer {
  userId: string;
  organizationId: string;
  /** May manage users and webhooks of the organization, as far as the scope goes. */
  admin: boolean;
  /** How far the token goes; a stored query runs with READ. */
  scope: Scope;
  /** `null` when no token asks, but a stored query runs. */
  token: { id: string; name: string } | null;
}
