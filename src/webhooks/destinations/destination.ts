// Defines the sender that every kind of destination implements, and its results: a reply, or the reason why there is none.

import type { Stage } from '../base/model.js';
import type { AnswerRefused } from '../base/network/answer-refused.js';
import { type NetworkFailure, suspicionOf } from '../base/network/evidence.js';
import { AddressRefused, failureStep, type MaySend } from '../base/network/guard.js';
import type { SlowDown } from '../base/slow-down.js';
import { tlsMessage } from './tls-message.js';

/** Maximum number of bytes that are read of one response body. */
export const MAX_RESPONSE_BYTES = 64 * 1024;

export interface Reply {
  kind: 'REPLY';
  status: number;
  /** Header names are in lower case; repeated headers are joined by a comma. */
  headers: Record<string, string>;
  body: string;
  /** Why the body is incomplete or could not be decoded; absent when it was read to its end or to MAX_RESPONSE_BYTES. */
  flaw?: string;
  /** The error that AWS reports, with advice if the error is a known one. Only AWS destinations set it. */
  explanation?: string;
  /** Set when the receiver reports a failure although the HTTP status is successful. */
  isFailure?: true;
  /** Set when an error code of AWS asks to slow down. It has the same effect as the status 429. */
  isThrottled?: true;
  firstByteMs?: number;
  sendMs: number;
}

export interface NoReply {
  kind: 'NO_REPLY';
  stage: Extract<Stage, 'TEMPLATE' | 'AUTH' | 'ADDRESS' | 'CONNECT' | 'TIMEOUT' | 'ANSWER' | 'STATUS'>;
  message: string;
  /** Set when a retry would fail, too. The delivery is then held (kept without retries) until the subscription changes. */
  held?: true;
  /** The HTTP status of a response that was refused because it is malformed or too long. */
  status?: number;
  /** Set when a reused connection broke before a response arrived. The receiver may have processed the request. */
  unanswered?: true;
  /** Set when the token endpoint asked to slow down. */
  slowDown?: SlowDown;
  /** The network failure that prevented a response. `send-delivery.ts` decides whether this installation's network caused it. */
  failure?: NetworkFailure;
  sendMs: number;
}

/** Sends messages of one kind of destination. Each attempt ends within its deadline. */
export interface Destination<M> {
  /**
   * Sends one message. Failures of the receiver are returned, not thrown.
   * @param withinMs the time left for this attempt in milliseconds, instead of the sender's usual deadline
   * @param maySend asked after each wait, before the request is written
   * @throws EgressFailed when this installation's proxy or network fails
   * @throws Withdrawn when `maySend` forbids the request; nothing was sent
   */
  send(message: M, withinMs?: number, maySend?: MaySend): Promise<Reply | NoReply>;
  close(): Promise<void>;
}

/**
 * Returns the result of a request whose reused connection broke before a response arrived. This result doesn't count as a failure of this
 * installation's network.
 */
export const unansweredReply = (sendMs: number): NoReply => ({
  kind: 'NO_REPLY',
  stage: 'CONNECT',
  message: 'The receiver closed a reused connection before it responded. It may have read the request.',
  unanswered: true,
  sendMs,
});

/**
 * Returns the result of a response that is malformed or too long. This result doesn't count as a failure of this installation's network.
 */
export const refusedAnswer = ({ message, status }: AnswerRefused, sendMs: number): NoReply => ({
  kind: 'NO_REPLY',
  stage: 'ANSWER',
  message,
  ...(status > 0 && { status }),
  sendMs,
});

/** Returns the message for a response body that had not ended at the deadline. */
export const endlessBody = (deadlineMs: number): string => `The receiver did not end the body within ${deadlineMs / 1000} seconds.`;

/** Whether the receiver closed or reset the connection. */
export function isClosedByPeer(error: unknown): boolean {
  const { code, message } = error as Error & { code?: string };
  return (
    code === 'ECONNRESET' || code === 'EPIPE' || (code === 'UND_ERR_SOCKET' && (message === 'other side closed' || message === 'closed'))
  );
}

/**
 * Converts the error of a request into the attempt's result: the stage that failed, and a message for the subscription's owner.
 * @param host the receiver's host; leave it out when a response had begun, because then this installation's network works
 */
export function noReplyOf(error: unknown, timedOut: boolean, deadlineMs: number, sendMs: number, host?: string): NoReply {
  const failure = networkFailure(error, timedOut, host);
  const no = (stage: NoReply['stage'], message: string): NoReply => ({
    kind: 'NO_REPLY',
    stage,
    message,
    ...(failure && { failure }),
    sendMs,
  });
  const cause = error as Error & { code?: string; errors?: Error[] };
  if (failure?.step === 'NAME' && (cause.code === 'UND_ERR_CONNECT_TIMEOUT' || cause.code === 'ETIMEOUT'))
    return no('ADDRESS', 'The name servers of the receiver gave no answer in time. Check the DNS of its domain.');
  if (timedOut || cause.code === 'UND_ERR_CONNECT_TIMEOUT') return no('TIMEOUT', `No complete answer within ${deadlineMs / 1000} seconds.`);
  if (error instanceof AddressRefused) return no('ADDRESS', error.message);
  if (failure?.step === 'NAME' || cause.code === 'ENOTFOUND' || cause.code === 'EAI_AGAIN')
    return no('ADDRESS', 'The name of the receiver could not be resolved.');
  // When several addresses were tried, the first error is reported.
  const first = cause.errors?.[0] ?? cause;
  if (cause.code === 'UND_ERR_SOCKET') return no('CONNECT', 'The receiver closed the connection before it responded.');
  return no('CONNECT', tlsMessage(first) ?? `The connection failed: ${first.message || cause.code || first.name}.`);
}

function networkFailure(error: unknown, timedOut: boolean, host: string | undefined): NetworkFailure | null {
  const failed = failureStep(error);
  if (failed) return { ...failed, ...suspicionOf(error, failed.step) };
  if (host === undefined) return null;
  const { suspicion, code } = suspicionOf(error, 'CONNECT');
  if (suspicion !== 'POSSIBLE') return { step: 'CONNECT', suspicion, host, code };
  // While this machine's network is down, a request on a reused connection gets no error. It only times out.
  return timedOut ? { step: 'CONNECT', suspicion: 'POSSIBLE', host, code: 'TIMEOUT' } : null;
}
