// Encodes credentials for the Authorization header, and lists all secrets of an `auth`, which must never be recorded.
import { Buffer } from 'node:buffer';
import type { Auth } from '../../base/model.js';

export type OAuth2 = Extract<Auth, { kind: 'OAUTH2' }>;

/** Encodes a user name and a password, as https://www.rfc-editor.org/rfc/rfc7617 specifies. */
export const basicCredentials = (username: string, password: string): string =>
  Buffer.from(`${username}:${password}`, 'utf8').toString('base64');

/**
 * Encodes a client's id and secret for `Authorization: Basic`, each form-encoded first, as
 * https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 specifies. Letters, digits and `*-._` stay unchanged, so endpoints that
 * skip the decoding can read them too.
 */
export const clientCredentials = ({ clientId, secrets }: OAuth2): string =>
  basicCredentials(formEncoded(clientId), formEncoded(secrets.clientSecret ?? ''));

/** Encodes a text as HTML forms do. */
export const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);

export function secretsOf(auth: Auth): string[] {
  const { username, password, token, clientSecret } = auth.secrets;
  const secrets = [username, password, token, clientSecret].filter((one) => one !== undefined && one !== '') as string[];
  if (auth.kind === 'OAUTH2') secrets.push(clientCredentials(auth));
  else if (username !== undefined) secrets.push(basicCredentials(username, password ?? ''));
  return secrets;
}
