// Keeps a pool of HTTP/1.1 connections per origin. Each connection has an undici client of its own.
import { type buildConnector, Client } from 'undici';
import { type MaySend, unlessWithdrawn } from '../../base/network/guard.js';
import type { Lifetimes } from './lifetimes.js';
import { MAX_HEAD_BYTES, ResponseReader } from './response-reader.js';

export interface Http1Connection {
  readonly client: Client;
  readonly origin: string;
  /** When the connection was opened, by `performance.now()`. */
  bornMs: number;
  /** Number of requests on this connection that have ended. When it is 0, the connection is new. */
  answered: number;
  /** When the connection was opened or its last response was complete, by `performance.now()`. */
  provenMs: number;
  isBroken: boolean;
  /** Reads the responses before undici does, and limits them. `null` until the connection is open. */
  reader: ResponseReader | null;
  /** The request that was begun on this connection; `null` while it is idle. */
  serving: WaitingRequest | null;
}

/** A request that needs a connection. */
export interface WaitingRequest {
  /** Whether the request has already ended, for example at its deadline. */
  readonly isOver: boolean;
  readonly maySend: MaySend | undefined;
  /** Sends the request over the connection. */
  begin(connection: Http1Connection): void;
}

interface Origin {
  /** The idle connections. The most recently used one is used first, so that surplus connections stay idle until they are closed. */
  idle: Http1Connection[];
  open: number;
  waiting: WaitingRequest[];
  /** Connections that were neither opened nor used with success since this time, by `performance.now()`, get no new request. */
  retiredMs: number;
}

export class Http1Connections {
  private readonly origins = new Map<string, Origin>();
  private isClosed = false;
  private allClosed = () => {};

  constructor(
    private readonly connect: buildConnector.connector,
    private readonly perOrigin: number,
    private readonly lifetimes: Pick<Lifetimes, 'ageMs' | 'idleMs'>,
  ) {}

  /** Begins the request on an idle or a new connection. If `perOrigin` connections are in use, the request waits until one is released. */
  take(name: string, request: WaitingRequest): void {
    const origin = this.origins.get(name) ?? { idle: [], open: 0, waiting: [], retiredMs: Number.NEGATIVE_INFINITY };
    for (let connection = origin.idle.pop(); connection; connection = origin.idle.pop()) {
      if (this.mayServe(connection, origin)) {
        request.begin(connection);
        return;
      }
      this.drop(connection, origin);
    }
    if (origin.open >= this.perOrigin) origin.waiting.push(request);
    else request.begin(this.open(name, origin));
  }

  /** Returns a connection to the pool after its request. `isReusable` is true when the response was read to its end. */
  release(connection: Http1Connection, isReusable: boolean): void {
    const origin = this.origins.get(connection.origin) as Origin;
    connection.answered += 1;
    if (isReusable) connection.provenMs = performance.now();
    let request = origin.waiting.shift();
    while (request?.isOver) request = origin.waiting.shift();
    if (isReusable && this.mayServe(connection, origin)) {
      if (request) request.begin(connection);
      else origin.idle.push(connection);
      return;
    }
    this.drop(connection, origin);
    request?.begin(this.open(connection.origin, origin));
  }

  /**
   * Sends no new request over the open connections of an origin on which no response has arrived since this time, because one of them is
   * dead and they may be dead, too.
   */
  retire(name: string, sinceMs: number): void {
    const origin = this.origins.get(name);
    if (origin === undefined) return;
    origin.retiredMs = Math.max(origin.retiredMs, sinceMs);
    for (const connection of origin.idle.splice(0))
      if (this.mayServe(connection, origin)) origin.idle.push(connection);
      else this.drop(connection, origin);
  }

  /** Closes idle connections now, and the others after their requests. Resolves when all are closed. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const origin of this.origins.values()) for (const connection of origin.idle.splice(0)) this.drop(connection, origin);
    if (this.origins.size > 0)
      await new Promise<void>((resolve) => {
        this.allClosed = resolve;
      });
  }

  private mayServe({ bornMs, provenMs, isBroken }: Http1Connection, { retiredMs }: Origin): boolean {
    return !isBroken && !this.isClosed && provenMs > retiredMs && performance.now() - bornMs < this.lifetimes.ageMs;
  }

  private open(name: string, origin: Origin): Http1Connection {
    origin.open += 1;
    this.origins.set(name, origin);
    const client = new Client(name, {
      connect: (options, callback) =>
        this.connect(options, (...[error, socket]) => {
          // undici calls this function again to replace a connection that broke before the request was written.
          const nowMs = performance.now();
          Object.assign(connection, { bornMs: nowMs, provenMs: nowMs, answered: 0, isBroken: false });
          if (error) return callback(error, null);
          const use = () => {
            connection.reader = new ResponseReader(socket);
            callback(null, socket);
          };
          // Opening the connection may have taken longer than the permission to send lasts.
          const may = connection.serving?.maySend?.() ?? true;
          if (may === true) use();
          else unlessWithdrawn(socket, () => may).then(use, (refused) => callback(refused, null));
        }),
      pipelining: 1,
      keepAliveTimeout: this.lifetimes.idleMs,
      keepAliveMaxTimeout: this.lifetimes.ageMs,
      headersTimeout: 0,
      bodyTimeout: 0,
      // Twice the limit of ResponseReader, so that its limit is exceeded first: its error message is clearer than that of undici.
      maxHeaderSize: 2 * MAX_HEAD_BYTES,
    });
    const nowMs = performance.now();
    const connection: Http1Connection = {
      client,
      origin: name,
      bornMs: nowMs,
      provenMs: nowMs,
      answered: 0,
      isBroken: false,
      reader: null,
      serving: null,
    };
    client.on('disconnect', () => {
      connection.isBroken = true;
      const index = origin.idle.indexOf(connection);
      if (index < 0) return;
      origin.idle.splice(index, 1);
      this.drop(connection, origin);
    });
    return connection;
  }

  private drop({ client, origin: name }: Http1Connection, origin: Origin): void {
    // Deferred, because undici may be in the middle of reading from this connection.
    queueMicrotask(() => void client.destroy());
    origin.open -= 1;
    if (origin.open > 0) return;
    this.origins.delete(name);
    if (this.origins.size === 0) this.allClosed();
  }
}
