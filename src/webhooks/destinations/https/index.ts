// Sends notifications as HTTP requests to a URL.
import type { Exchange } from '../../base/model.js';
import type { DestinationDraft, DestinationKind } from '../kind.js';
import { checkUrl } from './check.js';
import type { HttpsSettings } from './definition.js';
import { openHttpsDestination } from './https.js';
import { composeRequest } from './message.js';

export const https: DestinationKind<HttpsSettings, DestinationDraft<HttpsSettings>, null, Exchange> = {
  field: 'callbackUrl',
  title: 'HTTPS',
  notBefore: null,
  isHttp: true,

  toDraft(input, saved) {
    // A blank text counts as absent, because a form sends empty fields.
    const url = ((input === undefined ? saved.settings : input) as string | null | undefined)?.trim();
    return url ? { settings: url } : null;
  },
  check: ({ settings }, { guard }) => checkUrl(settings, guard),
  receiverOf: (url) => (URL.canParse(url) ? new URL(url).origin : url),

  locate: (url) => ({ url, origin: new URL(url).origin, access: null }),
  compose: composeRequest,
  open: openHttpsDestination,
};
