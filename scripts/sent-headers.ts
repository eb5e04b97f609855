// Lists the headers of a real notification with their meanings; throws on a header without a meaning.
import type { Compiled } from '../src/webhooks/base/compiled.js';
import { buildRequest } from '../src/webhooks/destinations/https/message.js';

const MEANINGS: Record<string, string> = {
  'Content-Type': '`application/json` or `application/xml`',
  'User-Agent': '`Hookgraph`',
  'Accept-Encoding': '`identity`, unless the subscription sets this header',
  'X-Scope-Topic': 'the topic, e.g. `user/created`',
  'X-Scope-Topic-Version': 'the version of the topic, e.g. `1.1`',
  'X-Scope-API-Version': '`3`',
  'X-Scope-Domain': "the installation's domain",
  'X-Scope-Webhook-Id': "the subscription's `databaseId`",
  'X-Scope-Webhook-Type': '`node`',
  'X-Scope-Event-Id':
    "the event's `databaseId`, the same on every retry, resend and replay; a test, a before-hook and a delivery that is resent as new have their own",
  'X-Scope-Webhook-Job-Id': "the delivery's `databaseId`, the same on every retry and resend",
  'X-Scope-Replay': 'only of a replay: what is sent again, `SENT_BYTES`, `STORED_PAYLOAD` or `NEW_PAYLOAD`',
  'X-Scope-Snapshot': '`true`, only of a snapshot: the node is sent in its current state',
  'X-Scope-Time': 'the time of the attempt in ISO 8601, in UTC',
  'X-Scope-Sequence': 'the number of the notification; absent unless the subscription is `numbered`',
  'X-Scope-Previous-Sequence': 'the number of the notification before it; `0` for the first',
  'X-Scope-Hmac-Sha256': 'base64 of the HMAC-SHA256 of the body, with the shared secret as the key; absent without a shared secret',
};

export function sentHeaders(): string[][] {
  const settings = {
    domain: 'hooks.example.com',
    headerPrefix: 'X-Scope-',
    allowedNetworks: [],
    queryLimits: { fields: 1, depth: 1, cost: 1 },
  };
  const { headers } = buildRequest(settings, EXAMPLE, '1', { text: '{}', contentType: 'application/json' }, new Date(0), null, {
    sequence: { number: '2', previous: '1' },
    replay: 'NEW_PAYLOAD',
    isSnapshot: true,
  });
  return Object.keys(headers).map((name) => {
    const meaning = MEANINGS[name];
    if (!meaning) throw new Error(`scripts/sent-headers.ts has no meaning for the header ${name}`);
    return [`\`${name}\``, meaning];
  });
}

const EXAMPLE: Compiled = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  version: 1,
  owner: { tenant: '', userId: '' },
  topic: { key: 'user/created', version: '1.1', typename: 'User', operation: 'created' },
  node: null,
  keys: [],
  event: null,
  contentType: 'JSON',
  url: 'https://receiver.example.com/',
  origin: 'https://receiver.example.com',
  destination: { field: 'callbackUrl', access: null },
  document: null,
  validation: null,
  template: null,
  errorTemplate: null,
  headers: {},
  signatures: ['SCOPE'],
  sharedSecret: 'a secret',
  auth: null,
  oldSecrets: [],
  secretTexts: [],
  retry: null,
  numbered: true,
  reads: null,
  related: new Set(),
  recorder: null,
};
