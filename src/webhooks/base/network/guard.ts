// What a subscription's connections are guarded by: the shape that stages are handed. It is made in send/address-guard.ts.
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { buildConnector } from 'undici';
import type { Problem } from '../errors.js';

/** A part of Hookgraph itself, which no subscription reaches, whatever networks are allowed. */
export interface Endpoint {
  /** A name or an address; 0.0.0.0 and :: are all addresses of this machine. */
  host: string;
  port: number;
  /** Judge by the name alone: its addresses are others' too, as those of a load balancer are. */
  byName?: true;
}

/** One for the whole engine. Every connection that a subscription causes goes through it. */
export interface Guard {
  /** Why a URL that a subscription names can't be saved, or what is doubtful about it; null: nothing. Asks a resolver. */
  vetUrl(url: string, field?: string): Promise<Problem | null>;
  /** For undici: `new Agent({ connect: guard.connect })`, with or without `allowH2`. */
  connect: buildConnector.connector;
  /** For whoever uses node:http and node:https, such as the SDK of AWS. */
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
  /** From now on this is refused, too: the API's port is known when it listens. */
  forbid(endpoint: Endpoint): void;
  /** Ends idle connections of the two agents. */
  close(): void;
}

/** An address that a subscription may not make us connect to. Says why, and nothing of what lies there. */
export class AddressRefused extends Error {
  override name = 'AddressRefused';
  constructor(readonly reason: string) {
    super(`Refused to connect: ${reason}.`);
  }
}

/** Our way out failed, not the receiver: the delivery runs again and nothing is charged. */
export class EgressFailed extends Error {
  override name = 'EgressFailed';
}
