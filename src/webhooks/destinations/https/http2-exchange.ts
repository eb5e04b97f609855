// Sends one request over an HTTP/2 session and reads its response.
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import type { Exchange } from '../../base/model.js';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import type { ByteWatch } from '../../base/network/byte-watch.js';
import { endlessBody, MAX_RESPONSE_BYTES, type Reply } from '../destination.js';
import { withBody } from './decode-body.js';
import { MAX_INFORMATIONAL, TOO_MANY_INFORMATIONAL } from './response-reader.js';

/**
 * Thrown when the receiver certainly did not process the request, so that it can be repeated:
 * https://www.rfc-editor.org/rfc/rfc9113#section-8.7
 */
export class Unprocessed extends Error {
  override name = 'Unprocessed';
}

/**
 * Thrown when a session that has answered earlier requests ends before it answers this one. The receiver may have processed the request.
 */
export class Unanswered extends Error {
  override name = 'Unanswered';
}

/** Thrown when the request must be sent over HTTP/1.1 instead. The receiver did not process it. */
export class ChoseHttp1 extends Error {
  override name = 'ChoseHttp1';
}

/**
 * Thrown when the receiver requires HTTP/1.1 for all requests, although it offers HTTP/2:
 * https://www.rfc-editor.org/rfc/rfc9113#name-error-codes
 */
export class RequiresHttp1 extends ChoseHttp1 {
  override name = 'RequiresHttp1';
}

/** An open HTTP/2 session and its state. */
export interface Held {
  session: ClientHttp2Session;
  /** When the session was opened, and when the receiver last sent something, both by `performance.now()`. */
  bornMs: number;
  heardMs: number;
  /** The PING in progress; until its answer arrives, the session gets no request. `null` when there is none. */
  ping: Promise<void> | null;
  /** Number of streams in use or reserved. */
  open: number;
  /** Counts the bytes that the receiver sends. When there are too many, `refused` is the error that ends the session's requests. */
  bytes: ByteWatch;
  refused: AnswerRefused | null;
  /** The error code of the receiver's GOAWAY frame; `null` when there was none. */
  goaway: number | null;
  /** Whether the receiver has answered a request over this session. */
  hasAnswered: boolean;
  /** Maximum number of concurrent streams; `null` until the receiver's SETTINGS frame arrives. Until then, only one stream is used. */
  limit: number | null;
}

/** The time limits of a request. */
export interface Timing {
  /** Aborts at the deadline. */
  signal: AbortSignal;
  /** Start of the request, by `performance.now()`. */
  started: number;
  /** The deadline in milliseconds that error messages name. */
  deadlineMs: number;
  /** Called when the deadline passes, no response has begun, and the session has been silent since the request was sent. */
  onSilence(): void;
}

/** Sends a request over the session. Rejects with the connection's error or, at the deadline, with the signal's reason. */
export function exchange(held: Held, request: Exchange, timing: Timing): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { pathname, search } = new URL(request.url);
    const length = String(request.body.length);
    let stream: ClientHttp2Stream;
    try {
      stream = held.session.request({ ':method': 'POST', ':path': pathname + search, ...request.headers, 'content-length': length });
    } catch {
      // The session ended after it was chosen for this request, and before the request was sent.
      reject(new Unprocessed('The connection ended before the request was sent'));
      return;
    }
    new Http2Exchange(held, stream, timing, resolve, reject).listen();
    stream.end(request.body);
  });
}

/** Reads the response to one request. */
class Http2Exchange {
  private head: IncomingHttpHeaders | undefined;
  private firstByteMs = 0;
  private informational = 0;
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private isOver = false;
  private readonly writtenMs = performance.now();

  constructor(
    private readonly held: Held,
    private readonly stream: ClientHttp2Stream,
    private readonly timing: Timing,
    private readonly resolve: (reply: Reply | Promise<Reply>) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  listen(): void {
    const { stream, held } = this;
    const { signal } = this.timing;
    const abort = () => this.passDeadline();
    signal.addEventListener('abort', abort, { once: true });
    stream
      .on('headers', () => this.onInformational())
      .on('response', (headers) => {
        held.heardMs = performance.now();
        this.head = headers;
        this.firstByteMs = held.heardMs - this.timing.started;
      })
      .on('data', (chunk: Buffer) => this.onData(chunk))
      .on('end', () => this.onEnd())
      .on('error', (error) => this.fail(error))
      .on('close', () => {
        signal.removeEventListener('abort', abort);
        this.onEnd();
        this.fail(new Error('the HTTP/2 stream ended before the receiver responded'));
      });
  }

  private onInformational(): void {
    this.held.heardMs = performance.now();
    this.informational += 1;
    if (this.informational <= MAX_INFORMATIONAL) return;
    this.reject(new AnswerRefused(TOO_MANY_INFORMATIONAL));
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  private onData(chunk: Buffer): void {
    this.held.heardMs = performance.now();
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size < MAX_RESPONSE_BYTES) return;
    this.reply();
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  private onEnd(): void {
    if (this.stream.rstCode === constants.NGHTTP2_NO_ERROR) this.reply();
  }

  private passDeadline(): void {
    // If the head of a response was read, its status decides, even if the body breaks off: the receiver did its work.
    this.reply(endlessBody(this.timing.deadlineMs));
    this.isOver = true;
    this.reject(this.timing.signal.reason);
    if (this.head === undefined && this.held.heardMs < this.writtenMs) this.timing.onSilence();
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  private reply(flaw?: string): void {
    if (this.head === undefined || this.isOver) return;
    this.isOver = true;
    this.held.hasAnswered = true;
    const [status, sendMs] = [Number(this.head[':status']), performance.now() - this.timing.started];
    const read: Reply = { kind: 'REPLY', status, headers: readHeaders(this.head), body: '', firstByteMs: this.firstByteMs, sendMs };
    if (flaw !== undefined) read.flaw = flaw;
    this.resolve(withBody(read, Buffer.concat(this.chunks)));
  }

  private fail(error: Error): void {
    if (this.head !== undefined) this.reply(this.held.refused?.message ?? 'The connection ended in the middle of the body.');
    else this.reject(this.held.refused ?? this.failureOf(error));
  }

  /** Returns the reason why the stream ended without a response. */
  private failureOf(error: Error & { code?: string }): Error {
    const { stream, held } = this;
    // The whole session ended. If the receiver only resets this stream, the session stays open.
    if (held.hasAnswered && held.session.destroyed && !stream.pending) return new Unanswered();
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || stream.pending)
      return new Unprocessed('The receiver refused the request before it processed it', { cause: error });
    const code = held.goaway || stream.rstCode;
    if (code === constants.NGHTTP2_HTTP_1_1_REQUIRED) return new RequiresHttp1();
    if (error.code === 'ERR_HTTP2_ERROR') return new AnswerRefused("The receiver's answer is not valid HTTP/2.");
    // Node reports a response that it rejects with the same code as a stream that the receiver resets.
    if (code === constants.NGHTTP2_PROTOCOL_ERROR) return new AnswerRefused(INVALID);
    if (!code || !error.code?.startsWith('ERR_HTTP2')) return error;
    const [what, how] = held.goaway ? ['connection', 'ended'] : ['stream', 'reset'];
    return new Error(`the receiver ${how} the HTTP/2 ${what} with ${ERROR_NAMES[code] ?? `the error ${code}`}`, { cause: error });
  }
}

const INVALID =
  "The receiver's answer is not valid HTTP/2 (for example, it has the header Connection or a header name in capitals), or the receiver takes the request for invalid: PROTOCOL_ERROR.";

/** The names of https://www.rfc-editor.org/rfc/rfc9113#name-error-codes, by their numbers. */
const ERROR_NAMES =
  'NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED'.split(
    ' ',
  );

function readHeaders(head: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(head).flatMap(([name, value]) =>
      name.startsWith(':') ? [] : [[name, Array.isArray(value) ? value.join(', ') : String(value)]],
    ),
  );
}
