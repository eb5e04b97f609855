// Runs a local HTTP receiver for development, which stores and reports notifications. Scripts rely on its exact
// responses, which docs/wire-formats.md#the-local-receiver specifies.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { parseJson, stringifyJson } from '../runtime/exact-json.mjs';
import { explainPort } from '../runtime/free-port.js';
import { RuntimeError } from '../runtime/runtime-error.js';
import { type Scheme, type VerifyResult, verifyWebhook } from '../verify/index.js';

export interface ReceiverOptions {
  host: string;
  port: number;
  /**
   * How to verify signatures; `null`: signatures aren't verified. `takesUnsigned`: a notification without any signature is stored, too,
   * because other senders, such as `hookgraph trigger`, can't know the secret.
   */
  verify: { secret: string; schemes: readonly Scheme[]; headerPrefix: string; publicUrl: string | null; takesUnsigned: boolean } | null;
  /** URL to forward each notification to; the sender gets its response. `null`: notifications aren't forwarded. */
  forward: string | null;
  /** Bodies to handle at the start as if they had been received. Their signatures aren't verified. */
  before: readonly string[];
  onReceived(received: Received): void;
}

export interface Received {
  /** Number of the stored notification, from 1; `null` when the notification was refused. */
  key: number | null;
  at: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** One result for each scheme; empty when signatures aren't verified. A stored notification without a signature has failed results. */
  verdicts: VerifyResult[];
  /** Status of the response from the forward URL, or the reason why there is none; `null` when nothing was forwarded. */
  forwarded: number | string | null;
}

export interface LocalReceiver {
  /** The URL that receives notifications. */
  url: string;
  count(): number;
  close(): Promise<void>;
}

const MAX_BYTES = 32 * 1024 * 1024;
const FORWARD_TIMEOUT_MS = 10_000;
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * @throws RuntimeError `FORWARD_UNREACHABLE` when `/ping` of the forward URL doesn't answer PONG; `SECRET_INVALID` when
 * the secret doesn't fit a scheme
 */
export async function startLocalReceiver(options: ReceiverOptions): Promise<LocalReceiver> {
  const { host, port, verify, forward } = options;
  if (verify) refuseUnusable(verify);
  if (forward) await askPing(forward);
  const stored: string[] = [];
  const receive = async (body: Buffer, headers: IncomingHttpHeaders, url: string | null): Promise<Answer> => {
    const verdicts =
      verify && url
        ? verify.schemes.map((scheme) =>
            verifyWebhook({
              ...verify,
              headerPrefix: prefixIn(headers) ?? verify.headerPrefix,
              scheme,
              headers,
              body,
              url: verify.publicUrl ?? url,
            }),
          )
        : [];
    const isUnsigned = verdicts.every((verdict) => !verdict.ok && verdict.code === 'SIGNATURE_MISSING');
    const refused = verify?.takesUnsigned && isUnsigned ? undefined : verdicts.find((verdict) => !verdict.ok);
    const key = refused ? null : stored.push(toJson(body.toString('utf8')));
    const sent = key !== null && forward ? await forwardTo(forward, body, headers) : null;
    options.onReceived({
      key,
      at: new Date().toISOString(),
      headers,
      body: body.toString('utf8'),
      verdicts,
      forwarded: sent && ('status' in sent ? sent.status : sent.why),
    });
    if (refused && !refused.ok) return json(401, { code: 401, msg: refused.message });
    if (sent) return 'status' in sent ? sent : json(502, { code: 502, msg: sent.why });
    return json(200, { msg: `value with key ${key} stored` });
  };
  for (const body of options.before) await receive(Buffer.from(body), { 'content-type': 'application/json' }, null);
  const server = createServer(async (request, response) => {
    send(response, await answer(request, receive, stored).catch((error: Error) => json(500, { code: 500, msg: error.message })));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve)).catch(
    explainPort(host, port, (free) => `--port ${free}`),
  );
  const { port: bound } = server.address() as AddressInfo;
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${reached}:${bound}/receive-webhooks`,
    count: () => stored.length,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Returns the prefix of Hookgraph's headers, which each installation chooses; `null` when the request has none of them. */
function prefixIn(headers: IncomingHttpHeaders): string | null {
  const name = Object.keys(headers).find((header) => /^x-.*webhook-job-id$/.test(header));
  return name ? name.slice(0, -'webhook-job-id'.length) : null;
}

/** Checks the secret at the start. Otherwise verifyWebhook() would refuse an unsuitable secret at the first notification. */
function refuseUnusable({ secret, schemes, headerPrefix }: NonNullable<ReceiverOptions['verify']>): void {
  for (const scheme of schemes) {
    try {
      verifyWebhook({ scheme, secret, headerPrefix, headers: {}, body: '', url: 'http://localhost' });
    } catch (cause) {
      throw new RuntimeError('SECRET_INVALID', `${scheme}: ${(cause as Error).message}`, 'See docs/receiving.md.', { cause });
    }
  }
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

const json = (status: number, value: unknown): Answer => ({ status, type: 'application/json', body: JSON.stringify(value) });

async function answer(
  request: IncomingMessage,
  receive: (body: Buffer, headers: IncomingHttpHeaders, url: string) => Promise<Answer>,
  stored: string[],
): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const path = pathname.replace(/(.)\/$/, '$1');
  if (path.toLowerCase() === '/ping') return { status: 200, type: 'text/plain', body: 'PONG' };
  if (path === '/dump-webhooks') return { status: 200, type: 'application/json', body: dump(stored) };
  if (path !== '/receive-webhooks')
    return json(404, { code: 404, msg: `${path} does not exist; the paths are /ping, /receive-webhooks and /dump-webhooks` });
  if (request.method !== 'POST') return json(405, { code: 405, msg: 'method not allowed' });
  if (Number(request.headers['content-length'] ?? 0) > MAX_BYTES) return json(413, { code: 413, msg: `more than ${MAX_BYTES} bytes` });
  return receive(await buffer(request), request.headers, `http://${request.headers.host}${request.url}`);
}

/** Returns the notifications, and then their number, as JSON documents one after another, for `jq 'select(…)'`. */
const dump = (stored: string[]): string => `${[...stored, JSON.stringify({ number_webhooks_received: stored.length })].join('\n')}\n`;

/** Returns the body as JSON text. A body that isn't JSON, such as XML, becomes a JSON string. */
function toJson(body: string): string {
  try {
    return stringifyJson(parseJson(body), null, 2);
  } catch {
    return JSON.stringify(body);
  }
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, ...(status === 405 && { allow: 'POST' }) }).end(body);
}

async function askPing(forward: string): Promise<void> {
  const ping = new URL('/ping', forward).href;
  const reply = await fetch(ping, { signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS) })
    .then((response) => response.text())
    .catch((error: Error) => error);
  if (typeof reply === 'string' && /^"?pong"?$/i.test(reply.trim())) return;
  const why = typeof reply === 'string' ? `answers ${JSON.stringify(reply.slice(0, 80))} instead of PONG` : 'does not answer';
  throw new RuntimeError('FORWARD_UNREACHABLE', `${ping} ${why}`, 'Start the program at that URL; it must answer GET /ping with PONG.');
}

async function forwardTo(url: string, body: Buffer, headers: IncomingHttpHeaders): Promise<Answer | { why: string }> {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: Object.fromEntries(kept.map(([name, value]) => [name, [value].flat().join(', ')])),
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS),
    });
    return { status: response.status, type: response.headers.get('content-type') ?? 'text/plain', body: await response.text() };
  } catch (error) {
    return { why: `${url} does not answer: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}` };
  }
}

/**
 * Splits concatenated JSON documents, as `/dump-webhooks` prints them. Drops the document with the number of
 * notifications.
 * @throws RuntimeError `FILE_INVALID`
 */
export function splitDocuments(text: string, path: string): string[] {
  const documents: string[] = [];
  let [start, depth, inString, escaped] = [-1, 0, false, false];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (start < 0) {
      if (/\s/.test(character)) continue;
      start = at;
    }
    if (inString) {
      if (escaped) escaped = false;
      else if (character === '\\') escaped = true;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    const next = text[at + 1];
    const isScalarOver = !inString && depth === 0 && (character === '"' || next === undefined || /[\s"{[]/.test(next));
    if (depth === 0 && !inString && (/[}\]]/.test(character) || isScalarOver)) {
      documents.push(text.slice(start, at + 1));
      start = -1;
    }
  }
  if (start >= 0) documents.push(text.slice(start));
  return documents.filter((document) => {
    try {
      const value = JSON.parse(document);
      return !(value && typeof value === 'object' && Object.keys(value).join() === 'number_webhooks_received');
    } catch (cause) {
      throw new RuntimeError('FILE_INVALID', `${path} contains a document that is not JSON: ${document.slice(0, 80)}`, undefined, {
        cause,
      });
    }
  });
}
