// A user name and a password -> the value of Authorization. https://www.rfc-editor.org/rfc/rfc7617
import { Buffer } from 'node:buffer';
import type { AuthSecrets } from '../../base/model.js';

export function authorizeBasic(scheme: string, { username = '', password = '' }: AuthSecrets): string {
  return `${scheme} ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
