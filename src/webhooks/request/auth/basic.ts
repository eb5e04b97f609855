// A user name and a password -> the value of Authorization.
import type { AuthSecrets } from '../../base/model.js';
import { basicCredentials } from './credentials.js';

export function authorizeBasic(scheme: string, { username = '', password = '' }: AuthSecrets): string {
  return `${scheme} ${basicCredentials(username, password)}`;
}
