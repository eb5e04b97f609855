// Builds an Authorization header from a user name and a password.
import type { AuthSecrets } from '../../base/model.js';
import { basicCredentials } from './credentials.js';

export function authorizeBasic(scheme: string, { username = '', password = '' }: AuthSecrets): string {
  return `${scheme} ${basicCredentials(username, password)}`;
}
