// Declares how long connections are used, in milliseconds.

export interface Lifetimes {
  /** A connection takes no new request after this time, so that deliveries follow a name to its new addresses. */
  ageMs: number;
  /** An idle connection is closed after this time. */
  idleMs: number;
  /** An HTTP/2 connection that has sent nothing for this time must answer a PING before it takes a request. */
  trustMs: number;
  /** The time for an answer to that PING. */
  pingMs: number;
}

export const LIFETIMES: Lifetimes = { ageMs: 60_000, idleMs: 10_000, trustMs: 1_500, pingMs: 1_000 };
