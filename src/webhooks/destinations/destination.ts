// What every destination answers and promises; one file for each beside this one.

import type { Stage } from '../base/model.js';
import { AddressRefused } from '../base/network/guard.js';

/** The whole exchange: name, connection, request, reply (contracts, section 2). */
export const DEADLINE_MS = 5000;
/** What is read of a reply's body. */
export const MAX_RESPONSE_BYTES = 64 * 1024;

export interface Reply {
  kind: 'REPLY';
  status: number;
  /** Names in lower case; repeated ones joined by a comma. */
  headers: Record<string, string>;
  body: string;
  /** What the receiver says of a status that is a failure, where its protocol tells. */
  told?: string;
  firstByteMs?: number;
  sendMs: number;
}

export interface NoReply {
  kind: 'NO_REPLY';
  stage: Extract<Stage, 'TEMPLATE' | 'AUTH' | 'ADDRESS' | 'CONNECT' | 'TIMEOUT' | 'STATUS'>;
  message: string;
  /** No retry can help: the delivery waits for another definition. */
  held?: true;
  sendMs: number;
}

/** Takes one message within one hard deadline. */
export interface Destination<M> {
  /**
   * `withinMs`: what is left of a deadline that began earlier.
   * @throws EgressFailed where our own way out failed; whatever the receiver does is an answer.
   */
  send(message: M, withinMs?: number): Promise<Reply | NoReply>;
  close(): Promise<void>;
}

/** What an error of a connection is called. */
export function noReplyOf(error: unknown, timedOut: boolean, deadlineMs: number, sendMs: number): NoReply {
  const no = (stage: NoReply['stage'], message: string): NoReply => ({ kind: 'NO_REPLY', stage, message, sendMs });
  const cause = error as Error & { code?: string; errors?: Error[] };
  if (timedOut || cause.code === 'UND_ERR_CONNECT_TIMEOUT') return no('TIMEOUT', `No complete answer within ${deadlineMs / 1000} seconds.`);
  if (error instanceof AddressRefused) return no('ADDRESS', error.message);
  if (cause.code === 'ENOTFOUND' || cause.code === 'EAI_AGAIN') return no('ADDRESS', 'The name of the receiver could not be resolved.');
  // Several addresses tried: the first failure speaks for all.
  const told = cause.errors?.[0] ?? cause;
  return no('CONNECT', `The connection failed: ${told.message || cause.code || told.name}.`);
}
