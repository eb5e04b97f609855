// A request -> the reply, or the stage at which there was none; over HTTP/2 where the receiver offers it.
import type { TLSSocket } from 'node:tls';
import { Agent, type Dispatcher, errors } from 'undici';
import { EgressFailed, type Guard } from '../base/guard.js';
import type { Exchange } from '../base/model.js';
import { DEADLINE_MS, type Destination, MAX_RESPONSE_BYTES, noReplyOf, type Reply } from './destination.js';
import { ChoseHttp1, type Http2Origin, openHttp2Origin, unlessAborted } from './http2.js';

/** An origin that chose HTTP/1.1 is asked again after so long. */
const CHOICE_MS = 10 * 60_000;
const SPARE_MS = 10_000;
/** Beyond so many origins the oldest one's choice is forgotten. */
const MAX_ORIGINS = 10_000;

interface Choice {
  /** Null: HTTP/1.1. */
  made: Promise<Http2Origin | null>;
  /** The same, once it is there. */
  known?: Http2Origin | null;
  untilMs: number;
}

/** Keeps connections alive per origin; never follows a redirect. */
export function openHttpsDestination(guard: Pick<Guard, 'connect'>, deadlineMs = DEADLINE_MS): Destination<Exchange> {
  const choices = new Map<string, Choice>();
  /** Connections on which an origin chose HTTP/1.1, until the agent takes them. */
  const spares = new Map<string, TLSSocket>();
  const agent = new Agent({
    connect(options, callback) {
      const origin = `${options.protocol}//${options.host}`;
      const spare = spares.get(origin);
      spares.delete(origin);
      // Never at once: undici would not go on.
      if (spare && !spare.destroyed) queueMicrotask(() => callback(null, spare));
      else guard.connect(options, callback);
    },
    connections: 200,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  /** A connection on which the origin chose between h2 and HTTP/1.1. */
  function offer(origin: string): Promise<TLSSocket> {
    const { hostname, host, port, protocol } = new URL(origin);
    const options = { hostname, host, port, protocol, allowH2: true };
    return new Promise((resolve, reject) => {
      guard.connect(options, (error, socket) => (error ? reject(error) : resolve(socket as TLSSocket)));
    });
  }

  function keepSpare(origin: string, socket: TLSSocket): void {
    spares.get(origin)?.destroy();
    spares.set(origin, socket);
    const isSpare = () => spares.get(origin) === socket;
    socket.on('error', () => {}).once('close', () => isSpare() && spares.delete(origin));
    socket.setTimeout(SPARE_MS, () => isSpare() && socket.destroy());
  }

  async function choose(origin: string): Promise<Http2Origin | null> {
    const socket = await offer(origin);
    if (socket.alpnProtocol !== 'h2') {
      keepSpare(origin, socket);
      return null;
    }
    return openHttp2Origin(origin, socket, async () => {
      const another = await offer(origin);
      if (another.alpnProtocol === 'h2') return another;
      // It changed its mind: whoever comes next asks it afresh.
      choices.delete(origin);
      keepSpare(origin, another);
      throw new ChoseHttp1();
    });
  }

  function choiceOf(origin: string): Choice {
    const before = choices.get(origin);
    if (before && Date.now() < before.untilMs) return before;
    const made = choose(origin);
    const choice: Choice = { made, untilMs: Number.POSITIVE_INFINITY };
    choices.delete(origin);
    choices.set(origin, choice);
    made.then(
      (http2) => {
        choice.known = http2;
        if (http2 === null) choice.untilMs = Date.now() + CHOICE_MS;
      },
      () => choices.get(origin) === choice && choices.delete(origin),
    );
    const [oldest] = choices.size > MAX_ORIGINS ? choices : [];
    if (oldest) {
      choices.delete(oldest[0]);
      oldest[1].made.then((http2) => http2?.close()).catch(() => {});
    }
    return choice;
  }

  async function exchange(request: Exchange, deadline: Deadline, started: number): Promise<Reply> {
    const { origin } = request;
    if (origin.startsWith('https:')) {
      const { known, made } = choiceOf(origin);
      const http2 = known === undefined ? await unlessAborted(deadline.signal(), made) : known;
      try {
        if (http2) return await http2.send(request, deadline.signal(), started);
      } catch (error) {
        if (!(error instanceof ChoseHttp1)) throw error;
      }
    }
    try {
      return await exchangeHttp1(agent, request, deadline, started);
    } catch (error) {
      // A kept-alive connection that the receiver closed as we wrote: no reply can have been meant for us.
      if (!deadline.passed && isStaleConnection(error)) return exchangeHttp1(agent, request, deadline, started);
      throw error;
    }
  }

  return {
    async send(request, withinMs = deadlineMs) {
      const started = performance.now();
      const deadline = startDeadline(withinMs);
      try {
        return await exchange(request, deadline, started);
      } catch (error) {
        if (error instanceof EgressFailed) throw error;
        return noReplyOf(error, deadline.passed, deadlineMs, performance.now() - started);
      } finally {
        deadline.end();
      }
    },
    async close() {
      const made = await Promise.allSettled([...choices.values()].map((choice) => choice.made));
      for (const one of made) if (one.status === 'fulfilled') one.value?.close();
      for (const spare of spares.values()) spare.destroy();
      await agent.close();
    },
  };
}

interface Deadline {
  passed: boolean;
  /** Called once when it passes, or at once if it has. */
  onPassed(listener: () => void): void;
  signal(): AbortSignal;
  end(): void;
}

/** A signal is made only for who asks for one: with its listeners it costs as much as half of the rest of a request. */
function startDeadline(ms: number): Deadline {
  let listener: (() => void) | undefined;
  let controller: AbortController | undefined;
  const timer = setTimeout(() => {
    deadline.passed = true;
    listener?.();
    controller?.abort();
  }, ms);
  const deadline: Deadline = {
    passed: false,
    onPassed(next) {
      listener = next;
      if (deadline.passed) next();
    },
    signal() {
      controller ??= new AbortController();
      if (deadline.passed) controller.abort();
      return controller.signal;
    },
    end: () => clearTimeout(timer),
  };
  return deadline;
}

/** Of a URL that many requests go to: not a slice of what was written, since an origin leaves out :443 and writes a host as DNS does. */
const paths = new Map<string, string>();

function pathOf(url: string): string {
  const known = paths.get(url);
  if (known !== undefined) return known;
  const { pathname, search } = new URL(url);
  if (paths.size >= MAX_ORIGINS) paths.clear();
  paths.set(url, pathname + search);
  return pathname + search;
}

function exchangeHttp1(agent: Agent, { origin, url, headers, body }: Exchange, deadline: Deadline, started: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let opened: Dispatcher.DispatchController | undefined;
    let status = 0;
    let firstByteMs = 0;
    let answered: Record<string, string> = {};
    const chunks: Buffer[] = [];
    let size = 0;
    // Whatever comes after the first of these changes nothing.
    const reply = () => {
      const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      resolve({
        kind: 'REPLY',
        status,
        headers: answered,
        body: bytes.toString('utf8', 0, MAX_RESPONSE_BYTES),
        firstByteMs,
        sendMs: performance.now() - started,
      });
    };
    // One that waits for a connection is rejected too: it isn't opened any more when its turn comes.
    deadline.onPassed(() => {
      const late = new Error('the deadline has passed');
      reject(late);
      opened?.abort(late);
    });
    if (deadline.passed) return;
    agent.dispatch(
      { origin, path: pathOf(url), method: 'POST', headers, body },
      {
        onRequestStart(controller) {
          opened = controller;
          if (deadline.passed) controller.abort(new Error('the deadline has passed'));
        },
        onResponseStart(_controller, statusCode, found) {
          status = statusCode;
          firstByteMs = performance.now() - started;
          for (const name in found) {
            const value = found[name];
            if (typeof value !== 'string') found[name] = Array.isArray(value) ? value.join(', ') : String(value);
          }
          answered = found as Record<string, string>;
        },
        onResponseData(controller, chunk) {
          chunks.push(chunk);
          size += chunk.length;
          if (size < MAX_RESPONSE_BYTES) return;
          reply();
          controller.abort(new Error('the rest of the answer is not read'));
        },
        onResponseEnd: reply,
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

const isStaleConnection = (error: unknown): boolean =>
  error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0 && error.message === 'other side closed';
