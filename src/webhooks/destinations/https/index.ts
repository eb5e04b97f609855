// Declares HTTPS URLs as a kind of destination.
import type { Exchange } from '../../base/model.js';
import type { DestinationKind } from '../kind.js';
import type { HttpsSettings } from './definition.js';
import { CALLBACK_URL } from './field.js';
import { composeRequest } from './message.js';

export const https: DestinationKind<HttpsSettings, null, Exchange> = {
  field: CALLBACK_URL,
  title: 'HTTPS',
  notBefore: null,
  isHttp: true,
  receiverOf: (url) => new URL(url).origin,

  locate: (url) => ({ url, origin: new URL(url).origin, access: null }),
  compose: composeRequest,
  open: async (guard, deadlineMs, perOrigin) => (await import('./https.js')).openHttpsDestination(guard, deadlineMs, perOrigin),
};
