// Defines what every kind of destination does and returns. Each kind is implemented in a folder beside this file.

import type { Stage } from '../base/model.js';
import type { AnswerRefused } from '../base/network/answer-refused.js';
import { type NetworkFailure, suspicionOf } from '../base/network/evidence.js';
import { AddressRefused, failureStep } from '../base/network/guard.js';
import { tlsMessage } from './tls-message.js';

/** Maximum number of bytes read of a response body. */
export const MAX_RESPONSE_BYTES = 64 * 1024;

export interface Reply {
  kind: 'REPLY';
  status: number;
  /** Header names are in lower case; repeated headers are joined by a comma. */
  headers: Record<string, string>;
  body: string;
  /** Why the body is incomplete; absent when it was read to its end or to the limit. */
  flaw?: string;
  /** The receiver's explanation of a failure, if its protocol has one. */
  explanation?: string;
  /** The protocol reports a failure in spite of a successful status. */
  isFailure?: true;
  /** The receiver asks to slow down by other means than the status 429. */
  isThrottled?: true;
  firstByteMs?: number;
  sendMs: number;
}

export interface NoReply {
  kind: 'NO_REPLY';
  stage: Extract<Stage, 'TEMPLATE' | 'AUTH' | 'ADDRESS' | 'CONNECT' | 'TIMEOUT' | 'ANSWER' | 'STATUS'>;
  message: string;
  /** Set when no retry can help: the delivery is held until the definition changes. */
  held?: true;
  /** The status of a response whose headers could not be read. */
  status?: number;
  /** Set when a kept connection broke before any response, so that nobody knows whether the receiver read the request. */
  unanswered?: true;
  /** The network failure that prevented a response; `send-delivery.ts` decides whether it is this installation's fault. */
  failure?: NetworkFailure;
  sendMs: number;
}

/** Sends messages, each within one hard deadline. */
export interface Destination<M> {
  /**
   * Sends one message. `withinMs` replaces the deadline, e.g. by what is left of an earlier one.
   * @throws EgressFailed when this installation's own proxy or network fails; every failure of the receiver is a result
   */
  send(message: M, withinMs?: number): Promise<Reply | NoReply>;
  close(): Promise<void>;
}

/** The result of a request on a kept connection that broke before any response. It is no evidence against our own network. */
export const unansweredReply = (sendMs: number): NoReply => ({
  kind: 'NO_REPLY',
  stage: 'CONNECT',
  message: 'The receiver closed a reused connection before it responded. It may have read the request.',
  unanswered: true,
  sendMs,
});

/** The result of an answer that can't be read. It is no evidence against our own network. */
export const refusedAnswer = ({ message, status }: AnswerRefused, sendMs: number): NoReply => ({
  kind: 'NO_REPLY',
  stage: 'ANSWER',
  message,
  ...(status > 0 && { status }),
  sendMs,
});

/** Whether the error says that the other side closed or reset the connection. */
export function isClosedByPeer(error: unknown): boolean {
  const { code, message } = error as Error & { code?: string };
  return (
    code === 'ECONNRESET' || code === 'EPIPE' || (code === 'UND_ERR_SOCKET' && (message === 'other side closed' || message === 'closed'))
  );
}

/** Translates a connection error into a result. `host` is the host to connect to; absent when a response had begun. */
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
  // A kept-alive connection gives no error when this machine's network is down, only a timeout.
  return timedOut ? { step: 'CONNECT', suspicion: 'POSSIBLE', host, code: 'TIMEOUT' } : null;
}
