// Sends a request over HTTP/1.1 and returns the response, or the reason why there is none.

import { type Dispatcher, errors } from 'undici';
import type { Exchange } from '../../base/model.js';
import { bare } from '../../base/network/address-policy.js';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import { EgressFailed, type MaySend, Withdrawn } from '../../base/network/guard.js';
import {
  endlessBody,
  isClosedByPeer,
  MAX_RESPONSE_BYTES,
  type NoReply,
  noReplyOf,
  type Reply,
  refusedAnswer,
  unansweredReply,
} from '../destination.js';
import { withBody } from './decode-body.js';
import type { Http1Connection, Http1Connections, WaitingRequest } from './http1-connections.js';

const MAX_PATHS = 10_000;

/**
 * Caches the path of each URL, because many requests have the same URL. The path is not simply the rest of the URL after the origin,
 * because the origin is normalized: it has no `:443`.
 */
const paths = new Map<string, string>();

function pathOf(url: string): string {
  const known = paths.get(url);
  if (known !== undefined) return known;
  const { pathname, search } = new URL(url);
  if (paths.size >= MAX_PATHS) paths.clear();
  paths.set(url, pathname + search);
  return pathname + search;
}

export interface Timing {
  /** Start and deadline of the request, by `performance.now()`. */
  startedMs: number;
  untilMs: number;
  /** The deadline in milliseconds that error messages name. */
  deadlineMs: number;
}

/** Sends a request over a connection of the pool. @throws EgressFailed when this installation's proxy or network fails */
export function sendHttp1(
  connections: Http1Connections,
  request: Exchange,
  timing: Timing,
  maySend: MaySend | undefined,
): Promise<Reply | NoReply> {
  return new Promise((resolve, reject) => {
    connections.take(request.origin, new Http1Exchange(connections, timing, maySend, { request, resolve, reject }));
  });
}

const NONE: Record<string, string> = {};

interface Task {
  request: Exchange;
  resolve(answer: Reply | NoReply): void;
  reject(error: unknown): void;
}

/**
 * One request and its response. This is a class because thousands of requests run at once: an object needs less memory than a dozen
 * closures.
 */
class Http1Exchange implements Dispatcher.DispatchHandler, WaitingRequest {
  private connection: Http1Connection | undefined;
  private status = 0;
  private firstByteMs = 0;
  private headers = NONE;
  private chunks: Buffer[] = [];
  private size = 0;
  private isKept = false;
  /** When the request was written, by `performance.now()`. */
  private writtenMs = 0;
  private readonly timer: NodeJS.Timeout;

  /** `task` becomes `null` when the request ends, so that its memory is freed although undici still refers to this object. */
  constructor(
    private readonly connections: Http1Connections,
    private readonly timing: Timing,
    readonly maySend: MaySend | undefined,
    private task: Task | null,
  ) {
    // The deadline also ends a request that still waits for a connection. The delay is a whole number, because Node keeps one list of
    // timers per duration and is slow with fractions.
    this.timer = setTimeout(onDeadline, Math.max(0, Math.ceil(timing.untilMs - performance.now())), this);
  }

  get isOver(): boolean {
    return this.task === null;
  }

  begin(connection: Http1Connection): void {
    if (this.task === null) return;
    this.connection = connection;
    connection.serving = this;
    // If the connection isn't open yet, Http1Connections calls `maySend` once it is open.
    const may = connection.reader === null || (this.maySend?.() ?? true);
    if (may === true) this.dispatch(connection);
    else
      Promise.resolve(may).then(
        (isAllowed) => (isAllowed ? this.dispatch(connection) : this.fail(new Withdrawn(), false)),
        (error) => this.fail(error, false),
      );
  }

  private dispatch({ client }: Http1Connection): void {
    if (this.task === null) return;
    const { url, headers, body } = this.task.request;
    try {
      client.dispatch({ path: pathOf(url), method: 'POST', headers, body }, this);
    } catch (error) {
      this.fail(error, false);
    }
  }

  /** undici calls this just before it writes the request. */
  onRequestStart(): void {
    this.isKept = (this.connection?.answered ?? 0) > 0;
    this.writtenMs = performance.now();
    this.connection?.reader?.begin();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, found: Record<string, string | string[] | undefined>): void {
    this.status = status;
    this.firstByteMs = performance.now() - this.timing.startedMs;
    for (const name in found) {
      const value = found[name];
      if (typeof value !== 'string') found[name] = Array.isArray(value) ? value.join(', ') : String(value);
    }
    this.headers = found as Record<string, string>;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    // The rest of the response stays unread, so the connection can't be reused.
    if (this.size >= MAX_RESPONSE_BYTES) this.reply(false);
  }

  onResponseEnd(): void {
    this.reply(true);
  }

  private reply(isReusable: boolean, flaw?: string): void {
    if (this.isGivenUp()) {
      this.leaveUnanswered();
      return;
    }
    const { chunks, status, headers, firstByteMs } = this;
    const task = this.end(isReusable && flaw === undefined);
    if (task === null) return;
    const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    const read: Reply = { kind: 'REPLY', status, headers, body: '', firstByteMs, sendMs: this.tookMs() };
    if (flaw !== undefined) read.flaw = flaw;
    const reply = withBody(read, bytes);
    if (reply instanceof Promise) reply.then(task.resolve, task.reject);
    else task.resolve(reply);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.task === null) return;
    if (this.status !== 0) {
      // Responses with the status 204 or 304 have no body, whatever their headers say:
      // https://www.rfc-editor.org/rfc/rfc9112#section-6.3
      this.reply(false, this.status === 204 || this.status === 304 ? undefined : flawOf(error));
      return;
    }
    const read = this.connection?.reader ?? { bytes: 0, status: 0 };
    const refused = error instanceof AnswerRefused ? error : refusalOf(error, read);
    if (refused) this.end(false)?.resolve(refusedAnswer(refused, this.tookMs()));
    else if (this.isKept && isClosedByPeer(error)) this.leaveUnanswered();
    else this.fail(error, false);
  }

  /**
   * Whether the receiver has ended a kept connection by 408, because no request had come. The request may be repeated on another
   * connection: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9
   */
  private isGivenUp(): boolean {
    return this.status === 408 && this.isKept && /\bclose\b/i.test(this.headers.connection ?? '');
  }

  private leaveUnanswered(): void {
    // The other idle connections of the origin are as old and probably broken, too, so a retry must not use them.
    if (this.task !== null) this.connections.retire(this.task.request.origin, performance.now());
    this.end(false)?.resolve(unansweredReply(this.tookMs()));
  }

  passDeadline(): void {
    // If the head of a response was read, its status decides, even if the body breaks off: the receiver did its work.
    if (this.status !== 0) {
      this.reply(false, endlessBody(this.timing.deadlineMs));
      return;
    }
    // Without a response, a kept connection may be dead although it reported no error, and so may the other connections of its origin.
    // Connections with a response since then stay in use, so that a URL that hangs costs other subscribers of its host no connections.
    if (this.task !== null && this.isKept) this.connections.retire(this.task.request.origin, this.writtenMs);
    this.fail(LATE, true);
  }

  private fail(error: unknown, isLate: boolean): void {
    const task = this.end(false);
    if (task === null) return;
    if (error instanceof EgressFailed || error instanceof Withdrawn) task.reject(error);
    else {
      const host = bare(new URL(task.request.origin).hostname);
      task.resolve(noReplyOf(error, isLate, this.timing.deadlineMs, this.tookMs(), host));
    }
  }

  /**
   * Ends the request and releases its connection. Returns `null` when the request has already ended, so that later events have no effect.
   */
  private end(isReusable: boolean): Task | null {
    const { task, connection } = this;
    if (task === null) return null;
    clearTimeout(this.timer);
    this.task = null;
    this.connection = undefined;
    if (connection) {
      connection.serving = null;
      this.connections.release(connection, isReusable);
    }
    this.headers = NONE;
    this.chunks = [];
    return task;
  }

  private tookMs(): number {
    return performance.now() - this.timing.startedMs;
  }
}

const LATE = new Error('the deadline has passed');

const onDeadline = (exchange: Http1Exchange): void => exchange.passDeadline();

/** Returns why the body of a response could not be read to its end. */
function flawOf(error: Error): string {
  if (error instanceof AnswerRefused) return error.message;
  if (error instanceof errors.HTTPParserError) return 'The framing of the body is not valid HTTP.';
  // The headers were read completely, so the overflow is in the trailers.
  if (error instanceof errors.HeadersOverflowError) return 'The trailers after the body are too long.';
  return 'The connection ended in the middle of the body.';
}

/** Returns why a response is not valid HTTP; `null` when no response had begun. */
function refusalOf(error: Error, { bytes, status }: { bytes: number; status: number }): AnswerRefused | null {
  const answer = `The receiver's answer${status > 0 ? ` with status ${status}` : ''}`;
  if (error instanceof errors.HTTPParserError)
    return new AnswerRefused(`${answer} is not valid HTTP/1.1: its headers can't be read.`, status);
  return bytes > 0 ? new AnswerRefused(`${answer} ended in the middle of its headers.`, status) : null;
}
