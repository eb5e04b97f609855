// Declares the interface of signature schemes, which compute the signature headers of a request.

/** A request that is complete except for its signatures. */
export interface Unsigned {
  method: 'POST';
  url: string;
  /** The headers of the request, exactly as they are sent; the signature headers are still missing. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** The id of the message, which stays the same however often the event is sent to the subscription. */
  messageId: string;
  /** Time of sending. Each attempt is signed with its own time. */
  at: Date;
  /** Prefix of Hookgraph's own headers, e.g. `X-Scope-`. */
  headerPrefix: string;
}

export interface Scheme {
  /** Whether a request can have several signatures, one for each secret that signs at present. */
  severalSecrets: boolean;
  /** Returns the headers to add. `secrets` are ordered newest first; a scheme without `severalSecrets` gets a single one. */
  sign(request: Unsigned, secrets: readonly string[]): Record<string, string>;
}

/** Converts a time to Unix seconds. */
export const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);
