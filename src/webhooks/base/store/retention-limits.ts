// Declares how long an installation keeps each kind of history.

/** How long the installation keeps history, in days; `null`: without limit. */
export interface Retention {
  /** Requests and responses, with headers and bodies, of attempts that succeeded or were skipped. */
  bodies: number | null;
  /** Attempts that succeeded or were skipped. */
  attempts: number | null;
  /** Attempts that failed or were held, with their requests and responses. */
  errors: number | null;
  /** Events and their deliveries. */
  events: number | null;
  /** The maximum size of all history in bytes; if it is exceeded, the oldest history is deleted first. `null`: without limit. */
  bytes: number | null;
}

export const DEFAULT_RETENTION: Retention = { bodies: 7, attempts: 30, errors: 90, events: 90, bytes: null };
