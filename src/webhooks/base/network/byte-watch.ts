// Limits the bytes that are read from a connection whose protocol Node reads in native code: HTTP/2, and the agents of node:http. The bytes
// can be counted only after they were read.
import type { Socket } from 'node:net';
import { AnswerRefused } from './answer-refused.js';

/** Maximum number of bytes that are read from a connection for one request: heads, bodies, framing and trailers. */
export const MAX_EXCHANGE_BYTES = 512 * 1024;

/** Milliseconds between two checks of the byte counts. Bytes that arrive between two checks are read even if they exceed the limit. */
const CHECK_MS = 10;
/** Maximum number of bytes that a connection may receive in addition to responses: SETTINGS, PING and GOAWAY frames. */
const IDLE_BYTES = 64 * 1024;

const watched = new Set<ByteWatch>();
let timer: NodeJS.Timeout | undefined;

/** Returns the error for a connection that exceeds the limit. */
export const tooManyBytes = () => new AnswerRefused(`The receiver sent more than ${MAX_EXCHANGE_BYTES / 1024} KB for a request.`);

export class ByteWatch {
  private open = 0;
  private limit: number;

  /**
   * Counts the bytes that arrive at the socket from now on, until `close`.
   * @param exceed called once, when the receiver has sent more bytes than its requests allow
   */
  constructor(
    private readonly socket: Pick<Socket, 'bytesRead'>,
    private readonly exceed: () => void,
  ) {
    this.limit = socket.bytesRead + IDLE_BYTES;
    watched.add(this);
    timer ??= setInterval(checkAll, CHECK_MS).unref();
  }

  /** Begins a request, and raises the limit by the bytes that its response may have. */
  begin(): void {
    this.open += 1;
    this.limit += MAX_EXCHANGE_BYTES;
  }

  /** Ends a request, and lowers the limit by the bytes that its response did not use. */
  end(): void {
    this.open -= 1;
    this.limit = Math.min(this.limit, this.socket.bytesRead + this.open * MAX_EXCHANGE_BYTES + IDLE_BYTES);
  }

  check(): void {
    if (this.socket.bytesRead <= this.limit) return;
    this.close();
    this.exceed();
  }

  close(): void {
    watched.delete(this);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }
}

function checkAll(): void {
  for (const watch of watched) watch.check();
}
