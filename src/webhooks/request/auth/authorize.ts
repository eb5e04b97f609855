// How a subscription makes itself known -> the value of its Authorization header; and what of it an answer must not repeat.
import { Buffer } from 'node:buffer';
import type { Auth } from '../../base/model.js';
import { authorizeBasic } from './basic.js';
import { authorizeToken } from './token.js';

export function authorize(auth: Auth): string {
  switch (auth.kind) {
    case 'BASIC':
      return authorizeBasic(auth.scheme, auth.secrets);
    case 'TOKEN':
      return authorizeToken(auth.scheme, auth.secrets);
  }
}

/** In each writing in which they are sent. */
export function secretsOf({ secrets }: Auth): string[] {
  const { username, password, token } = secrets;
  return [
    ...[username, password, token].filter((one) => one !== undefined),
    ...(username === undefined ? [] : [Buffer.from(`${username}:${password ?? ''}`, 'utf8').toString('base64')]),
  ];
}
