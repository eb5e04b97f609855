// Declares how long connections are used, in milliseconds.

export interface Lifetimes {
  /** A connection gets no new request after this time, so that requests follow a host name to its new addresses. */
  ageMs: number;
  /** An idle connection is closed after this time. */
  idleMs: number;
  /** An HTTP/2 connection on which the receiver has sent nothing for this time must answer a PING before it gets a request. */
  trustMs: number;
  /** Maximum time until the answer to that PING. */
  pingMs: number;
}

export const LIFETIMES: Lifetimes = { ageMs: 60_000, idleMs: 10_000, trustMs: 1_500, pingMs: 1_000 };
