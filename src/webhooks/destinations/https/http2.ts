// An origin that speaks HTTP/2 -> requests over as few sessions with it as they need. Sends again only what was provably not processed.
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Exchange } from '../../base/model.js';
import { MAX_RESPONSE_BYTES, type Reply } from '../destination.js';

// Not undici's: at a GOAWAY, by which servers end a connection in good order (nginx after 1,000 requests), it drops what is under
// way, and of POSTs it sends one at a time (7.30).

export interface Http2Origin {
  /** Rejects with the connection's error, or with the signal's reason. */
  send(request: Exchange, signal: AbortSignal, started: number): Promise<Reply>;
  close(): void;
}

/** The receiver can't have seen it, or said that it didn't look: https://www.rfc-editor.org/rfc/rfc9113#section-8.7 */
class Unprocessed extends Error {
  override name = 'Unprocessed';
}

/** A further connection, and on this one the origin didn't choose h2: whatever was to go over it wasn't sent. */
export class ChoseHttp1 extends Error {
  override name = 'ChoseHttp1';
}

interface Held {
  session: ClientHttp2Session;
  open: number;
  /** How many at once; null: one, until the receiver has said how many it takes. */
  limit: number | null;
}

/** As many connections as one of HTTP/1.1 may have; and so many streams on one, if the receiver doesn't want fewer. */
const MAX_SESSIONS = 200;
const MAX_STREAMS = 100;
const IDLE_MS = 10_000;
const MAX_TRIES = 4;

/** `first`: a connection on which the origin chose h2. `connect`: another one, on which it did again. */
export function openHttp2Origin(origin: string, first: TLSSocket, connect: () => Promise<TLSSocket>): Http2Origin {
  const sessions = new Set<Held>();
  let opening: Promise<void> | null = null;
  let waiting: (() => void)[] = [];

  function hold(socket: TLSSocket): void {
    const session = connectHttp2(origin, { createConnection: () => socket, settings: { enablePush: false } });
    const held: Held = { session, open: 0, limit: null };
    const leave = () => {
      sessions.delete(held);
      wake();
    };
    // Of an error each of its streams tells; after a GOAWAY what is under way goes on, and nothing new is begun.
    session.on('error', leave).on('goaway', leave).on('close', leave);
    session.on('remoteSettings', ({ maxConcurrentStreams = MAX_STREAMS }) => {
      held.limit = Math.min(maxConcurrentStreams, MAX_STREAMS);
      wake();
    });
    session.setTimeout(IDLE_MS, () => {
      if (held.open > 0) return;
      leave();
      session.close();
    });
    sessions.add(held);
  }

  function wake(): void {
    const all = waiting;
    waiting = [];
    for (const one of all) one();
  }

  /** A place on a session, taken. */
  async function roomFor(signal: AbortSignal): Promise<Held> {
    for (;;) {
      for (const held of sessions)
        if (held.open < (held.limit ?? 1)) {
          // Before anybody else looks.
          held.open += 1;
          return held;
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
          return await exchange(held.session, request, signal, started);
        } catch (error) {
          if (!(error instanceof Unprocessed) || tries === MAX_TRIES || signal.aborted) throw error;
        } finally {
          held.open -= 1;
          wake();
        }
      }
    },
    close() {
      for (const { session } of sessions) session.close();
    },
  };
}

function exchange(session: ClientHttp2Session, request: Exchange, signal: AbortSignal, started: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { pathname, search } = new URL(request.url);
    let stream: ClientHttp2Stream;
    try {
      const path = pathname + search;
      stream = session.request({ ':method': 'POST', ':path': path, ...request.headers, 'content-length': String(request.body.length) });
    } catch {
      // It ended since it was chosen.
      reject(new Unprocessed('The connection ended before the request was sent'));
      return;
    }
    let head: IncomingHttpHeaders | undefined;
    let firstByteMs = 0;
    const chunks: Buffer[] = [];
    let size = 0;

    const abort = () => {
      reject(signal.reason);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const done = () => {
      if (head === undefined || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
      resolve({
        kind: 'REPLY',
        status: Number(head[':status']),
        headers: readHeaders(head),
        body: Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES).toString('utf8'),
        firstByteMs,
        sendMs: performance.now() - started,
      });
    };
    signal.addEventListener('abort', abort, { once: true });
    stream
      .on('response', (headers) => {
        head = headers;
        firstByteMs = performance.now() - started;
      })
      .on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < MAX_RESPONSE_BYTES) return;
        done();
        stream.close(constants.NGHTTP2_CANCEL);
      })
      .on('end', done)
      .on('error', (error) => {
        const isUnprocessed = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || stream.pending;
        reject(isUnprocessed ? new Unprocessed('The receiver refused the request before it looked at it', { cause: error }) : error);
      })
      .on('close', () => {
        signal.removeEventListener('abort', abort);
        done();
        reject(new Error('The stream ended without a complete answer'));
      });
    stream.end(request.body);
  });
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
