// What a signature scheme is.

/** A request that is whole but for its signatures. */
export interface Unsigned {
  method: 'POST';
  url: string;
  /** Just as they are sent. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  deliveryId: string;
  /** When it is sent: each attempt is signed anew. */
  at: Date;
  /** Of our headers, e.g. `X-Scope-`. */
  headerPrefix: string;
}

export interface Scheme {
  /** Whether its receivers accept a signature with each of several secrets in one request. */
  severalSecrets: boolean;
  /** The headers that it adds. `secrets`: the newest first; a single one where it can't carry several. */
  sign(request: Unsigned, secrets: readonly string[]): Record<string, string>;
}

/** Unix seconds. */
export const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);
