// A request over HTTP/1.1 -> the reply, or why there was none.
import { type Agent, type Dispatcher, errors } from 'undici';
import type { Exchange } from '../../base/model.js';
import { EgressFailed } from '../../base/network/guard.js';
import { MAX_RESPONSE_BYTES, type NoReply, noReplyOf, type Reply } from '../destination.js';

const MAX_PATHS = 10_000;

/** Of a URL that many requests go to: not a slice of what was written, since an origin leaves out :443 and writes a host as DNS does. */
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
  /** Both by `performance.now()`. */
  startedMs: number;
  untilMs: number;
  /** As it is told to whoever asks why. */
  deadlineMs: number;
}

/** Over a connection of the agent's. @throws EgressFailed */
export function sendHttp1(agent: Agent, request: Exchange, timing: Timing): Promise<Reply | NoReply> {
  return new Promise((resolve, reject) => {
    new Http1Exchange(agent, timing, { request, resolve, reject }).start();
  });
}

const NONE: Record<string, string> = {};

interface Task {
  request: Exchange;
  resolve(answer: Reply | NoReply): void;
  reject(error: unknown): void;
}

/** One request and what comes of it. A class, since thousands are under way: it is one object where closures were a dozen. */
class Http1Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private status = 0;
  private firstByteMs = 0;
  private headers = NONE;
  private chunks: Buffer[] = [];
  private size = 0;
  private mayRepeat = true;
  private readonly timer: NodeJS.Timeout;

  /** `task`: null once it has ended, since a connection keeps its last exchange, and that then nothing else. */
  constructor(
    private readonly agent: Agent,
    private readonly timing: Timing,
    private task: Task | null,
  ) {
    // One that waits for a connection ends too: it isn't opened any more when its turn comes.
    // Whole milliseconds: Node looks the timers of a fraction up by its digits, written out anew for each.
    this.timer = setTimeout(onDeadline, Math.ceil(timing.untilMs - performance.now()), this);
  }

  start(): void {
    if (this.task === null) return;
    const { origin, url, headers, body } = this.task.request;
    try {
      this.agent.dispatch({ origin, path: pathOf(url), method: 'POST', headers, body }, this);
    } catch (error) {
      this.fail(error, false);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.task === null) controller.abort(LATE);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, found: Record<string, string | string[] | undefined>): void {
    // An answer that began is the answer, or its failure.
    this.mayRepeat = false;
    this.status = status;
    this.firstByteMs = performance.now() - this.timing.startedMs;
    for (const name in found) {
      const value = found[name];
      if (typeof value !== 'string') found[name] = Array.isArray(value) ? value.join(', ') : String(value);
    }
    this.headers = found as Record<string, string>;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size < MAX_RESPONSE_BYTES) return;
    this.onResponseEnd();
    controller.abort(new Error('the rest of the answer is not read'));
  }

  onResponseEnd(): void {
    const { chunks, status, headers, firstByteMs } = this;
    const task = this.end();
    if (task === null) return;
    const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    const body = bytes.toString('utf8', 0, MAX_RESPONSE_BYTES);
    task.resolve({ kind: 'REPLY', status, headers, body, firstByteMs, sendMs: this.tookMs() });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.task === null) return;
    // A kept-alive connection that the receiver closed as we wrote: no reply can have been meant for us.
    if (this.mayRepeat && isStaleConnection(error)) {
      this.mayRepeat = false;
      this.start();
    } else this.fail(error, false);
  }

  passDeadline(): void {
    const { controller } = this;
    this.fail(LATE, true);
    controller?.abort(LATE);
  }

  private fail(error: unknown, isLate: boolean): void {
    const task = this.end();
    if (task === null) return;
    if (error instanceof EgressFailed) task.reject(error);
    else task.resolve(noReplyOf(error, isLate, this.timing.deadlineMs, this.tookMs()));
  }

  /** Null where it had ended before: whatever comes afterwards changes nothing. */
  private end(): Task | null {
    const { task } = this;
    if (task === null) return null;
    clearTimeout(this.timer);
    this.task = null;
    this.controller = undefined;
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

const isStaleConnection = (error: unknown): boolean =>
  error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0 && error.message === 'other side closed';
