// Sends requests to an origin over as few HTTP/2 sessions as needed. Repeats only requests that were provably not processed.
import { connect as connectHttp2 } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Exchange } from '../../base/model.js';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import type { Reply } from '../destination.js';
import { ByteWatch } from './byte-watch.js';
import { exchange, type Held, Unprocessed } from './http2-exchange.js';
import type { Lifetimes } from './lifetimes.js';
import { MAX_EXCHANGE_BYTES } from './response-reader.js';

// undici's HTTP/2 client (7.30) is not used: on GOAWAY, with which servers end a connection in good order (nginx after 1,000
// requests), it drops the requests in progress, and it sends POST requests one at a time.

export interface Http2Origin {
  /** Rejects with the connection's error, or with the signal's reason. */
  send(request: Exchange, signal: AbortSignal, started: number): Promise<Reply>;
  close(): void;
}

/** Thrown when a further connection to the origin chooses HTTP/1.1, so that the request is not sent on it. */
export class ChoseHttp1 extends Error {
  override name = 'ChoseHttp1';
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
          return await exchange(held, request, { signal, started, onSilence: () => retire(held) });
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

export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}
