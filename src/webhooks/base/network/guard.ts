// Declares the guard, which checks and opens every connection made for a subscription, and its errors. network/address-guard.ts implements
// it.

import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import type { Problem } from '../errors.js';
import type { NetworkEvidence, NetworkFailure, Step } from './evidence.js';

/** An endpoint of Hookgraph itself, which no subscription may reach, whatever networks are allowed. */
export interface Endpoint {
  /** A name or an address; 0.0.0.0 and :: mean all addresses of this machine. */
  host: string;
  port: number;
  /** Whether only the name is refused, not its addresses, because other services share them, e.g. behind a load balancer. */
  byName?: true;
}

/** One guard per engine. Every connection made for a subscription must go through it. */
export interface Guard {
  /** Returns why a URL can't be saved, or a warning about it; `null` when there is no problem. Resolves the host name. */
  vetUrl(url: string, field?: string): Promise<Problem | null>;
  /** The connector for undici: `new Agent({ connect: guard.connect })`, with or without `allowH2`. */
  connect: buildConnector.connector;
  /** Agents for libraries that use node:http and node:https, such as the AWS SDK. */
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
  /** Recent successes and failures of this process's connections, by which a failure is attributed to the receiver or this installation. */
  evidence: NetworkEvidence;
  /** Adds an endpoint to refuse. Needed for the API's port, which is known only once it listens. */
  forbid(endpoint: Endpoint): void;
  /** Closes idle connections of the two agents. */
  close(): void;
}

/**
 * The error of a connection to an address that subscriptions may not reach. `reason` says why, and must not reveal what is at the address.
 */
export class AddressRefused extends Error {
  override name = 'AddressRefused';
  constructor(readonly reason: string) {
    super(`Refused to connect: ${reason}.`);
  }
}

/**
 * Returns whether a request may be written to its connection now. Called again after each wait: for a token, a connection or a DNS answer.
 */
export type MaySend = () => boolean | Promise<boolean>;

/** The request was not sent, because its subscription was disabled or the delivery's lease was lost while it waited. */
export class Withdrawn extends Error {
  override name = 'Withdrawn';
  constructor() {
    super('The request was withdrawn before it was sent.');
  }
}

/**
 * A request's headers object → the function that says whether the request may be sent. Libraries send these requests through `httpAgent`
 * and `httpsAgent`; node:http passes the headers object to the function that opens a connection.
 */
export const permissions = new WeakMap<object, MaySend>();

/**
 * The errors of requests that libraries sent through `httpAgent` and `httpsAgent` over a connection kept open from an earlier request, and
 * that got no response.
 */
export const brokeOnReuse = new WeakSet<Error>();

/** Returns the connection if the request may still be sent over it. @throws Withdrawn otherwise, after it has closed the connection */
export async function unlessWithdrawn<S extends Socket>(socket: S, maySend: MaySend): Promise<S> {
  // Without a listener, an error while `maySend` waits would end the process. It destroys the socket, which the socket's user notices.
  socket.on('error', () => {});
  try {
    if (await maySend()) return socket;
    throw new Withdrawn();
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** The outgoing network of this installation failed, not the receiver. The delivery returns to the queue, and no attempt is recorded. */
export class EgressFailed extends Error {
  override name = 'EgressFailed';
  constructor(
    message: string,
    options?: ErrorOptions,
    /** The failed lookup or connection; `null` when the egress proxy failed. */
    readonly failure: NetworkFailure | null = null,
  ) {
    super(message, options);
  }
}

/**
 * Connection error → the step (lookup or connection) that failed. A WeakMap, because libraries check the error's class and code, so that it
 * can't be wrapped.
 */
const failedAt = new WeakMap<object, { step: Step; host: string }>();

export function noteFailure(error: unknown, step: Step, host: string): void {
  if (typeof error === 'object' && error !== null && !(error instanceof AddressRefused)) failedAt.set(error, { step, host });
}

/**
 * Returns the step (lookup or connection) at which connecting failed; `null` when the error came after the connection was made, or isn't a
 * connection error.
 */
export function failureStep(error: unknown): { step: Step; host: string } | null {
  return (typeof error === 'object' && error !== null && failedAt.get(error)) || null;
}
