// Sends requests to an origin over as few HTTP/2 sessions as needed. Repeats a request only if the receiver certainly did not process it.
import { connect as connectHttp2 } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Exchange } from '../../base/model.js';
import { ByteWatch, tooManyBytes } from '../../base/network/byte-watch.js';
import { type MaySend, Withdrawn } from '../../base/network/guard.js';
import type { Reply } from '../destination.js';
import { exchange, type Held, type Timing, Unprocessed } from './http2-exchange.js';
import type { Lifetimes } from './lifetimes.js';

// undici's HTTP/2 client (7.30) is not used, because it sends POST requests one at a time and drops the requests in progress on GOAWAY.
// Servers send GOAWAY to end a connection in good order, e.g. nginx after 1,000 requests.

export interface Http2Origin {
  /**
   * Sends a request over a session with a free stream. Rejects with the connection's error or, at the deadline, with the signal's reason.
   */
  send(request: Exchange, options: Omit<Timing, 'onSilence'> & { maySend: MaySend | undefined }): Promise<Reply>;
  close(): void;
}

/** Maximum number of sessions per origin. It equals the default maximum of HTTP/1.1 connections. */
const MAX_SESSIONS = 200;
/** Maximum number of concurrent streams per session, unless the receiver allows fewer. */
const MAX_STREAMS = 100;
/** Maximum number of times that a request is sent, if the receiver does not process it. */
const MAX_TRIES = 4;

/**
 * Opens an origin that supports HTTP/2.
 * @param first a connection on which the origin chose HTTP/2
 * @param connect opens another connection on which the origin chooses HTTP/2
 */
export function openHttp2Origin(origin: string, first: TLSSocket, lifetimes: Lifetimes, connect: () => Promise<TLSSocket>): Http2Origin {
  const sessions = new Sessions(origin, lifetimes, connect);
  sessions.hold(first);
  return {
    async send(request, { maySend, ...timing }) {
      const { signal } = timing;
      for (let tries = 1; ; tries++) {
        const held = await sessions.reserve(signal);
        let isBegun = false;
        try {
          const may = maySend?.() ?? true;
          if (may !== true && !(await may)) throw new Withdrawn();
          held.bytes.begin();
          isBegun = true;
          return await exchange(held, request, { ...timing, onSilence: () => sessions.retire(held) });
        } catch (error) {
          if (!(error instanceof Unprocessed) || tries === MAX_TRIES || signal.aborted) throw error;
        } finally {
          if (isBegun) held.bytes.end();
          sessions.release(held);
        }
      }
    },
    close: () => sessions.close(),
  };
}

/** The open sessions of an origin that may get new requests. */
class Sessions {
  private readonly sessions = new Set<Held>();
  private opening: Promise<void> | null = null;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly origin: string,
    private readonly lifetimes: Lifetimes,
    private readonly connect: () => Promise<TLSSocket>,
  ) {}

  /** Opens a session over the socket. */
  hold(socket: TLSSocket): void {
    const session = connectHttp2(this.origin, { createConnection: () => socket, settings: { enablePush: false } });
    const nowMs = performance.now();
    const bytes = new ByteWatch(socket, () => {
      held.refused = tooManyBytes();
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
      goaway: null,
      hasAnswered: false,
      limit: null,
    };
    const leave = () => {
      this.sessions.delete(held);
      this.wake();
    };
    // After an error or GOAWAY, the session gets no new request. Its open streams continue after GOAWAY, and each reports its own error.
    session.on('error', leave).on('close', leave);
    session.on('goaway', (code) => {
      held.goaway = code;
      leave();
    });
    session.once('close', () => bytes.close());
    session.on('remoteSettings', ({ maxConcurrentStreams = MAX_STREAMS }) => {
      held.limit = Math.min(maxConcurrentStreams, MAX_STREAMS);
      this.wake();
    });
    session.setTimeout(this.lifetimes.idleMs, () => {
      if (held.open === 0) this.retire(held);
    });
    this.sessions.add(held);
  }

  /** Waits until a session has a free stream, and reserves the stream. Opens a session if necessary. */
  async reserve(signal: AbortSignal): Promise<Held> {
    for (;;) {
      this.retireAged();
      const trustedSinceMs = performance.now() - this.lifetimes.trustMs;
      const free = freeIn(this.sessions, trustedSinceMs);
      if (free && free.heardMs > trustedSinceMs) {
        // Reserved synchronously, so that no other request takes the same stream.
        free.open += 1;
        return free;
      }
      await unlessAborted(signal, free ? this.ping(free) : this.further());
    }
  }

  release(held: Held): void {
    held.open -= 1;
    if (held.open === 0 && !this.sessions.has(held)) held.session.destroy();
    this.wake();
  }

  /** Sends no new request over the session. Its open streams continue. */
  retire(held: Held): void {
    this.sessions.delete(held);
    if (held.open === 0) held.session.destroy();
    this.wake();
  }

  close(): void {
    for (const { session } of this.sessions) session.close();
  }

  private retireAged(): void {
    const nowMs = performance.now();
    for (const held of this.sessions) if (nowMs - held.bornMs >= this.lifetimes.ageMs) this.retire(held);
  }

  /** Sends a PING on a silent session, and retires the session if no answer arrives within `pingMs`. */
  private ping(held: Held): Promise<void> {
    held.ping ??= new Promise<void>((resolve) => {
      const end = (answered: boolean) => {
        clearTimeout(timer);
        held.ping = null;
        if (answered) held.heardMs = performance.now();
        else this.retire(held);
        resolve();
      };
      const timer = setTimeout(end, this.lifetimes.pingMs, false);
      const { session } = held;
      if (session.destroyed || !session.ping((error) => end(error === null))) end(false);
    });
    return held.ping;
  }

  /** Opens another session if one may be opened; otherwise waits until a stream is released or a session changes. */
  private further(): Promise<void> {
    if (!mayOpen(this.sessions)) return new Promise<void>((resolve) => this.waiting.push(resolve));
    this.opening ??= this.connect()
      .then((socket) => this.hold(socket))
      .finally(() => {
        this.opening = null;
      });
    return this.opening;
  }

  private wake(): void {
    const all = this.waiting;
    this.waiting = [];
    for (const resume of all) resume();
  }
}

/** Returns a session with a free stream, preferably one on which the receiver has sent something since `trustedSinceMs`. */
function freeIn(sessions: ReadonlySet<Held>, trustedSinceMs: number): Held | undefined {
  let found: Held | undefined;
  for (const held of sessions) {
    if (held.open >= (held.limit ?? 1) || held.session.closed || held.session.destroyed) continue;
    if (held.heardMs > trustedSinceMs) return held;
    found ??= held;
  }
  return found;
}

/**
 * Whether another session may be opened: not while the stream limit of a new session is unknown, because that session may have enough
 * streams.
 */
function mayOpen(sessions: ReadonlySet<Held>): boolean {
  if (sessions.size >= MAX_SESSIONS) return false;
  for (const { limit } of sessions) if (limit === null) return false;
  return true;
}

export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}
