// Sends requests to an origin over as few HTTP/2 sessions as needed. Repeats only requests that were provably not processed.
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Exchange } from '../../base/model.js';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import { MAX_RESPONSE_BYTES, type Reply } from '../destination.js';
import { ByteWatch } from './byte-watch.js';
import { withBody } from './decode-body.js';
import type { Lifetimes } from './lifetimes.js';
import { MAX_EXCHANGE_BYTES, MAX_INFORMATIONAL } from './response-reader.js';

// undici's HTTP/2 client (7.30) is not used: on GOAWAY, with which servers end a connection in good order (nginx after 1,000
// requests), it drops the requests in progress, and it sends POST requests one at a time.

export interface Http2Origin {
  /** Rejects with the connection's error, or with the signal's reason. */
  send(request: Exchange, signal: AbortSignal, started: number): Promise<Reply>;
  close(): void;
}

/** Thrown when the receiver certainly didn't process the request: https://www.rfc-editor.org/rfc/rfc9113#section-8.7 */
class Unprocessed extends Error {
  override name = 'Unprocessed';
}

/** Thrown when a session that had answered before ended without a response to this request. */
export class Unanswered extends Error {
  override name = 'Unanswered';
}

/** Thrown when a further connection to the origin chooses HTTP/1.1, so that the request is not sent on it. */
export class ChoseHttp1 extends Error {
  override name = 'ChoseHttp1';
}

interface Held {
  session: ClientHttp2Session;
  /** Both times by `performance.now()`: when the session was opened, and when the receiver last sent something. */
  bornMs: number;
  heardMs: number;
  /** The PING that must be answered before the session is trusted; `null` when none is under way. */
  ping: Promise<void> | null;
  open: number;
  /** Counts what the receiver sends, and `refused` says so when that is too much. */
  bytes: ByteWatch;
  refused: AnswerRefused | null;
  /** Whether a request was answered over this session. */
  hasAnswered: boolean;
  /** Maximum number of streams at once; `null` until the receiver's settings arrive, and then only one stream is opened. */
  limit: number | null;
}

/**
 * Maximum number of sessions per origin, equal to the limit of HTTP/1.1 connections, and of streams per session unless the receiver
 * allows fewer.
 */
const MAX_SESSIONS = 200;
const MAX_STREAMS = 100;
const MAX_TRIES = 4;

/**
 * Opens an origin that speaks h2. `first` is a connection on which the origin chose h2. `connect` opens another one on which it
 * chose h2 again.
 */
export function openHttp2Origin(
  origin: string,
  first: TLSSocket,
  { ageMs, idleMs, trustMs, pingMs }: Lifetimes,
  connect: () => Promise<TLSSocket>,
): Http2Origin {
  const sessions = new Set<Held>();
  let opening: Promise<void> | null = null;
  let waiting: (() => void)[] = [];

  function hold(socket: TLSSocket): void {
    const session = connectHttp2(origin, { createConnection: () => socket, settings: { enablePush: false } });
    const nowMs = performance.now();
    const bytes = new ByteWatch(socket, () => {
      held.refused = new AnswerRefused(`The receiver sent more than ${MAX_EXCHANGE_BYTES / 1024} KB for a request.`);
      session.destroy(held.refused);
    });
    const held: Held = {
      session,
      bornMs: nowMs,
      heardMs: nowMs,
      ping: null,
      open: 0,
      bytes,
      refused: null,
      hasAnswered: false,
      limit: null,
    };
    const leave = () => {
      sessions.delete(held);
      wake();
    };
    // Each stream reports an error by itself. After GOAWAY the open streams continue, and no new stream is opened.
    session.on('error', leave).on('goaway', leave).on('close', leave);
    session.once('close', () => bytes.close());
    session.on('remoteSettings', ({ maxConcurrentStreams = MAX_STREAMS }) => {
      held.limit = Math.min(maxConcurrentStreams, MAX_STREAMS);
      wake();
    });
    session.setTimeout(idleMs, () => {
      if (held.open === 0) retire(held);
    });
    sessions.add(held);
  }

  /** Lets the session take no new request. Its open streams go on. */
  function retire(held: Held): void {
    sessions.delete(held);
    if (held.open === 0) held.session.destroy();
    wake();
  }

  function retireAged(): void {
    const nowMs = performance.now();
    for (const held of sessions) if (nowMs - held.bornMs >= ageMs) retire(held);
  }

  /** Asks a session that has been silent for a sign of life, and retires it when none comes. */
  function ping(held: Held): Promise<void> {
    held.ping ??= new Promise<void>((resolve) => {
      const end = (answered: boolean) => {
        clearTimeout(timer);
        held.ping = null;
        if (answered) held.heardMs = performance.now();
        else retire(held);
        resolve();
      };
      const timer = setTimeout(end, pingMs, false);
      const { session } = held;
      if (session.destroyed || !session.ping((error) => end(error === null))) end(false);
    });
    return held.ping;
  }

  function wake(): void {
    const all = waiting;
    waiting = [];
    for (const one of all) one();
  }

  /** Waits for a free stream on a session and reserves it. */
  async function roomFor(signal: AbortSignal): Promise<Held> {
    for (;;) {
      retireAged();
      const free = [...sessions].filter((held) => held.open < (held.limit ?? 1));
      const nowMs = performance.now();
      const trusted = free.find(({ heardMs }) => nowMs - heardMs < trustMs);
      if (trusted) {
        // Reserved synchronously, so that no other request takes the same stream.
        trusted.open += 1;
        return trusted;
      }
      if (free[0]) {
        await unlessAborted(signal, ping(free[0]));
        continue;
      }
      const isNew = [...sessions].some((held) => held.limit === null);
      if (!isNew && sessions.size < MAX_SESSIONS) {
        opening ??= connect()
          .then(hold)
          .finally(() => {
            opening = null;
          });
        await unlessAborted(signal, opening);
      } else await unlessAborted(signal, new Promise<void>((resolve) => waiting.push(resolve)));
    }
  }

  hold(first);
  return {
    async send(request, signal, started) {
      for (let tries = 1; ; tries++) {
        const held = await roomFor(signal);
        try {
          held.bytes.begin();
          return await exchange(held, request, signal, started, () => retire(held));
        } catch (error) {
          if (!(error instanceof Unprocessed) || tries === MAX_TRIES || signal.aborted) throw error;
        } finally {
          held.open -= 1;
          held.bytes.end();
          if (held.open === 0 && !sessions.has(held)) held.session.destroy();
          wake();
        }
      }
    },
    close() {
      for (const { session } of sessions) session.close();
    },
  };
}

/** Sends a request over the session. `onSilence` is called when the deadline passes and no response has begun. */
function exchange(held: Held, request: Exchange, signal: AbortSignal, started: number, onSilence: () => void): Promise<Reply> {
  const { session } = held;
  return new Promise((resolve, reject) => {
    const { pathname, search } = new URL(request.url);
    let stream: ClientHttp2Stream;
    try {
      const path = pathname + search;
      stream = session.request({ ':method': 'POST', ':path': path, ...request.headers, 'content-length': String(request.body.length) });
    } catch {
      // The session ended after it was chosen.
      reject(new Unprocessed('The connection ended before the request was sent'));
      return;
    }
    let head: IncomingHttpHeaders | undefined;
    let firstByteMs = 0;
    let informational = 0;
    const chunks: Buffer[] = [];
    let size = 0;
    let isOver = false;

    const abort = () => {
      isOver = true;
      reject(signal.reason);
      if (head === undefined) onSilence();
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const reply = (flaw?: string) => {
      if (head === undefined || isOver) return;
      isOver = true;
      held.hasAnswered = true;
      const [status, sendMs] = [Number(head[':status']), performance.now() - started];
      const read: Reply = { kind: 'REPLY', status, headers: readHeaders(head), body: '', firstByteMs, sendMs };
      if (flaw !== undefined) read.flaw = flaw;
      resolve(withBody(read, Buffer.concat(chunks)));
    };
    const fail = (error: Error) => {
      if (head !== undefined) reply(held.refused?.message ?? 'The connection ended in the middle of the body.');
      else reject(held.refused ?? failureOf(held, stream, error));
    };
    signal.addEventListener('abort', abort, { once: true });
    stream
      .on('headers', () => {
        held.heardMs = performance.now();
        informational += 1;
        if (informational <= MAX_INFORMATIONAL) return;
        reject(new AnswerRefused(`The receiver's answer has more than ${MAX_INFORMATIONAL} informational responses before it.`));
        stream.close(constants.NGHTTP2_CANCEL);
      })
      .on('response', (headers) => {
        held.heardMs = performance.now();
        head = headers;
        firstByteMs = performance.now() - started;
      })
      .on('data', (chunk: Buffer) => {
        held.heardMs = performance.now();
        chunks.push(chunk);
        size += chunk.length;
        if (size < MAX_RESPONSE_BYTES) return;
        reply();
        stream.close(constants.NGHTTP2_CANCEL);
      })
      .on('end', () => {
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR) reply();
      })
      .on('error', fail)
      .on('close', () => {
        signal.removeEventListener('abort', abort);
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR) reply();
        fail(new Error('The stream ended without a complete answer'));
      });
    stream.end(request.body);
  });
}

/** Says why a stream ended without a response. */
function failureOf({ session, hasAnswered }: Held, stream: ClientHttp2Stream, error: Error & { code?: string }): Error {
  // A stream that the receiver reset leaves its session open.
  if (hasAnswered && session.destroyed && !stream.pending) return new Unanswered();
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || stream.pending)
    return new Unprocessed('The receiver refused the request before it looked at it', { cause: error });
  return error.code === 'ERR_HTTP2_ERROR' ? new AnswerRefused("The receiver's answer is no valid HTTP/2.") : error;
}

function readHeaders(head: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(head).flatMap(([name, value]) =>
      name.startsWith(':') ? [] : [[name, Array.isArray(value) ? value.join(', ') : String(value)]],
    ),
  );
}

export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}
