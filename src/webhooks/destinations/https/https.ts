// Sends a request over HTTP/2 or HTTP/1.1, whichever the receiver chooses, and returns the response or the stage that failed.

import type { TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { DEFAULT_DEADLINES } from '../../base/deadlines.js';
import type { Exchange } from '../../base/model.js';
import { bare } from '../../base/network/address-policy.js';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import { EgressFailed, type Guard, type MaySend, Withdrawn } from '../../base/network/guard.js';
import { type Destination, type NoReply, noReplyOf, type Reply, refusedAnswer, unansweredReply } from '../destination.js';
import { sendHttp1 } from './http1.js';
import { Http1Connections } from './http1-connections.js';
import { type Http2Origin, openHttp2Origin, unlessAborted } from './http2.js';
import { ChoseHttp1, RequiresHttp1, Unanswered } from './http2-exchange.js';
import { LIFETIMES } from './lifetimes.js';

/** Milliseconds after which an origin that chose HTTP/1.1 is offered HTTP/2 again. */
const CHOICE_MS = 10 * 60_000;
/** Milliseconds after which a connection that was opened to negotiate the protocol is closed if no request has used it. */
const UNUSED_MS = 10_000;
/** Maximum number of origins whose choice of protocol is cached; beyond it the oldest is evicted. */
const MAX_ORIGINS = 10_000;

interface Choice {
  /** The result of the negotiation: the origin's HTTP/2 sessions, or `null` when it chose HTTP/1.1. */
  made: Promise<Http2Origin | null>;
  /** The value of `made`; absent until `made` has resolved. */
  known?: Http2Origin | null;
  /** When the choice expires, by `performance.now()`. */
  untilMs: number;
}

interface Sending {
  withinMs: number;
  maySend: MaySend | undefined;
}

/** Opens a sender that keeps connections to each origin open and never follows a redirect. */
export function openHttpsDestination(
  guard: Pick<Guard, 'connect'>,
  deadlineMs = DEFAULT_DEADLINES.requestMs,
  perOrigin = DEFAULT_DEADLINES.perOrigin,
  lifetimes = LIFETIMES,
): Destination<Exchange> {
  const choices = new Choices(choose);
  const unusedSockets = new UnusedSockets();
  const connections = new Http1Connections(unusedSockets.before(guard), perOrigin, lifetimes);

  async function choose(origin: string): Promise<Http2Origin | null> {
    const socket = await offer(guard, origin);
    if (socket.alpnProtocol !== 'h2') {
      unusedSockets.keep(origin, socket);
      return null;
    }
    return openHttp2Origin(origin, socket, lifetimes, async () => {
      const another = await offer(guard, origin);
      if (another.alpnProtocol === 'h2') return another;
      // The origin chose HTTP/2 before, but HTTP/1.1 this time. The next request negotiates again.
      choices.forget(origin);
      unusedSockets.keep(origin, another);
      throw new ChoseHttp1();
    });
  }

  /** Sends a request to an origin that chose HTTP/2 or has not chosen yet, over the protocol that it chooses. */
  async function sendChosen({ known, made }: Choice, request: Exchange, { withinMs, maySend }: Sending): Promise<Reply | NoReply> {
    const started = performance.now();
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), withinMs);
    try {
      const http2 = known ?? (await unlessAborted(deadline.signal, made));
      if (http2) return await http2.send(request, { signal: deadline.signal, started, deadlineMs, maySend });
    } catch (error) {
      const isLate = deadline.signal.aborted;
      const failed = failureOf(error, request, { sendMs: performance.now() - started, isLate, deadlineMs });
      if (failed) return failed;
      if (error instanceof RequiresHttp1) choices.requireHttp1(request.origin);
    } finally {
      clearTimeout(timer);
    }
    return sendHttp1(connections, request, { startedMs: started, untilMs: started + withinMs, deadlineMs }, maySend);
  }

  return {
    send(request, withinMs = deadlineMs, maySend) {
      const choice = request.origin.startsWith('https:') ? choices.of(request.origin) : null;
      if (choice && choice.known !== null) return sendChosen(choice, request, { withinMs, maySend });
      const startedMs = performance.now();
      return sendHttp1(connections, request, { startedMs, untilMs: startedMs + withinMs, deadlineMs }, maySend);
    },
    async close() {
      await choices.close();
      unusedSockets.close();
      await connections.close();
    },
  };
}

/** Opens a connection on which the origin chooses between HTTP/2 and HTTP/1.1. */
function offer(guard: Pick<Guard, 'connect'>, origin: string): Promise<TLSSocket> {
  const { hostname, host, port, protocol } = new URL(origin);
  const options = { hostname, host, port, protocol, allowH2: true };
  return new Promise((resolve, reject) => {
    guard.connect(options, (error, socket) => (error ? reject(error) : resolve(socket as TLSSocket)));
  });
}

/**
 * Returns the result of a request that failed over HTTP/2; `null` when the origin now chooses HTTP/1.1, over which the request must then be
 * sent. @throws EgressFailed when this installation's proxy or network failed, Withdrawn when the request must not be sent
 */
function failureOf(
  error: unknown,
  { origin }: Exchange,
  { sendMs, isLate, deadlineMs }: { sendMs: number; isLate: boolean; deadlineMs: number },
): Reply | NoReply | null {
  if (error instanceof EgressFailed || error instanceof Withdrawn) throw error;
  if (error instanceof AnswerRefused) return refusedAnswer(error, sendMs);
  if (error instanceof Unanswered) return unansweredReply(sendMs);
  if (error instanceof ChoseHttp1) return null;
  return noReplyOf(error, isLate, deadlineMs, sendMs, bare(new URL(origin).hostname));
}

/** Caches which protocol each origin chose. */
class Choices {
  private readonly choices = new Map<string, Choice>();

  constructor(private readonly choose: (origin: string) => Promise<Http2Origin | null>) {}

  /** Returns the choice of an origin. Negotiates again when there is none or the last one has expired. */
  of(origin: string): Choice {
    const before = this.choices.get(origin);
    if (before && performance.now() < before.untilMs) return before;
    const made = this.choose(origin);
    const choice: Choice = { made, untilMs: Number.POSITIVE_INFINITY };
    this.choices.delete(origin);
    this.choices.set(origin, choice);
    made.then(
      (http2) => {
        choice.known = http2;
        if (http2 === null) choice.untilMs = performance.now() + CHOICE_MS;
      },
      () => this.choices.get(origin) === choice && this.choices.delete(origin),
    );
    if (this.choices.size > MAX_ORIGINS) this.evictOldest();
    return choice;
  }

  /** Makes requests to the origin use HTTP/1.1 for CHOICE_MS; after that, HTTP/2 is offered again. */
  requireHttp1(origin: string): void {
    this.choices.get(origin)?.known?.close();
    this.choices.set(origin, { made: Promise.resolve(null), known: null, untilMs: performance.now() + CHOICE_MS });
  }

  forget(origin: string): void {
    this.choices.delete(origin);
  }

  async close(): Promise<void> {
    const made = await Promise.allSettled([...this.choices.values()].map((choice) => choice.made));
    for (const one of made) if (one.status === 'fulfilled') one.value?.close();
  }

  private evictOldest(): void {
    const [oldest] = this.choices;
    if (!oldest) return;
    this.choices.delete(oldest[0]);
    oldest[1].made.then((http2) => http2?.close()).catch(() => {});
  }
}

/** Keeps one connection per origin on which the origin chose HTTP/1.1 in a negotiation, until a request uses it. */
class UnusedSockets {
  private readonly sockets = new Map<string, TLSSocket>();

  keep(origin: string, socket: TLSSocket): void {
    this.sockets.get(origin)?.destroy();
    this.sockets.set(origin, socket);
    const isUnused = () => this.sockets.get(origin) === socket;
    socket.on('error', () => {}).once('close', () => isUnused() && this.sockets.delete(origin));
    socket.setTimeout(UNUSED_MS, () => isUnused() && socket.destroy());
  }

  /** Returns a connector that uses the kept connection of an origin, if there is one, and otherwise opens a connection. */
  before(guard: Pick<Guard, 'connect'>): buildConnector.connector {
    return (options, callback) => {
      const origin = `${options.protocol}//${options.host}`;
      const unused = this.sockets.get(origin);
      this.sockets.delete(origin);
      // Called asynchronously, because undici does not continue after a synchronous callback.
      if (unused && !unused.destroyed) queueMicrotask(() => callback(null, unused));
      else guard.connect(options, callback);
    };
  }

  close(): void {
    for (const unused of this.sockets.values()) unused.destroy();
  }
}
