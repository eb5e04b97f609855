// Builds an Authorization header from a token, such as a bearer token: https://www.rfc-editor.org/rfc/rfc6750
import type { AuthSecrets } from '../../base/model.js';

export function authorizeToken(scheme: string, { token = '' }: AuthSecrets): string {
  return `${scheme} ${token}`;
}
