// Reads the heads (status line and headers) of HTTP/1.1 responses before undici does. Drops informational responses, repairs heads that
// undici would reject, and limits the bytes of each response.
import type { Socket } from 'node:net';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import { MAX_EXCHANGE_BYTES } from '../../base/network/byte-watch.js';
import { isOrdinary, repairHead } from './response-head.js';

/** Maximum number of bytes of the status line and headers of a response. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Maximum number of informational (1xx) responses before the final one. */
export const MAX_INFORMATIONAL = 100;
export const TOO_MANY_INFORMATIONAL = `The receiver sent more than ${MAX_INFORMATIONAL} informational (1xx) responses and no final response.`;

const LF = 10;
const CR = 13;
const ZERO = 48;
const NOTHING = Buffer.alloc(0);

export class ResponseReader {
  /** The status of the last head that was read; 0 before the first. */
  status = 0;
  /** Bytes read since the request began. */
  bytes = 0;
  private isInHead = false;
  private informational = 0;
  /** The beginning of a head whose end has not arrived yet, and the state of the search for that end. */
  private pieces: Buffer[] = [];
  private headBytes = 0;
  private lineLength = 0;
  private hasLine = false;

  /** Replaces the socket's `read`, through which undici reads everything. */
  constructor(private readonly socket: Socket) {
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => {
      if (size !== undefined) return read(size);
      for (;;) {
        const chunk: Buffer | null = read();
        if (chunk === null) return null;
        const passed = this.pass(chunk);
        if (passed.length > 0) return passed;
        if (socket.destroyed) return null;
      }
    };
  }

  /** Begins a request. The next bytes are the head of its response. */
  begin(): void {
    this.status = 0;
    this.bytes = 0;
    this.informational = 0;
    this.isInHead = true;
    this.beginHead();
  }

  private beginHead(): void {
    if (this.pieces.length > 0) this.pieces = [];
    this.headBytes = 0;
    this.lineLength = 0;
    this.hasLine = false;
  }

  private pass(chunk: Buffer): Buffer {
    this.bytes += chunk.length;
    if (this.bytes > MAX_EXCHANGE_BYTES) return this.refuse(`is longer than ${MAX_EXCHANGE_BYTES / 1024} KB with its headers and framing`);
    let rest = chunk;
    while (this.isInHead && rest.length > 0) {
      const end = this.findEnd(rest);
      if (end < 0) {
        this.headBytes += rest.length;
        this.pieces.push(rest);
        this.status ||= statusOf(this.pieces[0] as Buffer);
        return this.headBytes > MAX_HEAD_BYTES ? this.refuse(`has more than ${MAX_HEAD_BYTES / 1024} KB of headers`) : NOTHING;
      }
      const isWhole = this.pieces.length === 0;
      const head = isWhole ? rest.subarray(0, end) : Buffer.concat([...this.pieces, rest.subarray(0, end)]);
      this.beginHead();
      if (head.length > MAX_HEAD_BYTES) {
        this.status = statusOf(head);
        return this.refuse(`has more than ${MAX_HEAD_BYTES / 1024} KB of headers`);
      }
      if (isOrdinary(head)) {
        this.status = statusOf(head);
        this.isInHead = false;
        return isWhole ? rest : Buffer.concat([head, rest.subarray(end)]);
      }
      const after = rest.subarray(end);
      const repaired = this.repair(head);
      if (repaired === null) return NOTHING;
      if (repaired.length > 0) return Buffer.concat([repaired, after]);
      rest = after;
    }
    return rest;
  }

  /** Returns the head in a form that undici accepts; an empty buffer for an informational response; `null` when the head was refused. */
  private repair(head: Buffer): Buffer | null {
    const repaired = repairHead(head.toString('latin1'));
    if ('refused' in repaired) {
      this.status = repaired.status;
      this.refuse(repaired.refused);
      return null;
    }
    this.status = repaired.status;
    if (repaired.status >= 200) {
      this.isInHead = false;
      return Buffer.from(repaired.head, 'latin1');
    }
    this.informational += 1;
    if (this.informational <= MAX_INFORMATIONAL) return NOTHING;
    // The error has no status, because the attempt would then record the status of an informational response.
    this.socket.destroy(new AnswerRefused(TOO_MANY_INFORMATIONAL));
    return null;
  }

  /** Returns the index after the empty line that ends the head, or -1. Empty lines before the status line don't count. */
  private findEnd(chunk: Buffer): number {
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (byte === LF) {
        if (this.lineLength === 0 && this.hasLine) return index + 1;
        if (this.lineLength > 0) this.hasLine = true;
        this.lineLength = 0;
      } else if (byte !== CR) this.lineLength += 1;
    }
    return -1;
  }

  private refuse(reason: string): Buffer {
    const { status } = this;
    this.socket.destroy(new AnswerRefused(`The receiver's answer${status > 0 ? ` with status ${status}` : ''} ${reason}.`, status));
    return NOTHING;
  }
}

/** Returns the status of a head that begins with a well-formed status line, otherwise 0. */
function statusOf(head: Buffer): number {
  let status = 0;
  for (let index = 9; index < 12; index++) {
    const digit = (head[index] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return 0;
    status = status * 10 + digit;
  }
  return head.toString('latin1', 0, 7) === 'HTTP/1.' ? status : 0;
}
