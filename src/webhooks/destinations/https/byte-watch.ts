// Limits the bytes that are read of an HTTP/2 connection. Node's HTTP/2 reads the socket natively, so bytes are counted afterwards.
import type { Socket } from 'node:net';
import { MAX_EXCHANGE_BYTES } from './response-reader.js';

/** Milliseconds between two looks at the counters. Bytes that arrive between two looks are read even if they exceed the limit. */
const LOOK_MS = 10;
/** Maximum number of bytes of an idle connection: settings, PINGs, GOAWAY. */
const IDLE_BYTES = 64 * 1024;

const watched = new Set<ByteWatch>();
let timer: NodeJS.Timeout | undefined;

export class ByteWatch {
  private open = 0;
  private limit: number;

  /** Calls `exceed` once when the receiver has sent more than its requests allow. */
  constructor(
    private readonly socket: Pick<Socket, 'bytesRead'>,
    private readonly exceed: () => void,
  ) {
    this.limit = socket.bytesRead + IDLE_BYTES;
    watched.add(this);
    timer ??= setInterval(lookAtAll, LOOK_MS).unref();
  }

  begin(): void {
    this.open += 1;
    this.limit += MAX_EXCHANGE_BYTES;
  }

  /** Ends an exchange, and lowers the limit by the bytes that the exchange was allowed but did not use. */
  end(): void {
    this.open -= 1;
    this.limit = Math.min(this.limit, this.socket.bytesRead + this.open * MAX_EXCHANGE_BYTES + IDLE_BYTES);
  }

  look(): void {
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

function lookAtAll(): void {
  for (const one of watched) one.look();
}
