// Deduplicates the headers of a batch of requests or responses: headers that attempts share are sent to the database once, and each
// attempt adds its differences. The database stores the complete headers of each attempt.
import { jsonbs } from '../base/store/arrays.js';
import { json } from './storable.js';

type Headers = Record<string, string>;

interface HeaderSet {
  /** Position of the shared set in `sets`, counted from 1. */
  number: number;
  headers: Headers;
  size: number;
}

interface Shared {
  set: number | null;
  own: Headers | null;
}

const NOTHING: Headers = {};
const NONE: Shared = { set: null, own: null };

/**
 * Collects the distinct sets of headers of one batch. Encoding headers is most of the cost of recording attempts, and nearly all attempts
 * have the same headers.
 */
export class SharedHeaders {
  readonly sets = jsonbs();
  /** Total length of the shared sets as JSON, in characters. */
  characters = 0;
  private readonly of = new Map<string, HeaderSet>();
  private newest: HeaderSet | undefined;

  /**
   * Splits the headers of an attempt into the number of a shared set and the headers that differ from it. `set` is `null` when no set fits.
   */
  share(subscriptionId: string, headers: Headers | null | undefined): Shared {
    if (!headers) return NONE;
    const usual = this.of.get(subscriptionId);
    if (usual !== undefined) return beside(usual, headers, usual.size) ?? { set: null, own: headers };
    // The first attempt of a subscription in the batch shares the newest set if the headers that differ are at most half as many as the set
    // has.
    const { newest } = this;
    const shared = newest && beside(newest, headers, newest.size / 2);
    if (newest && shared) {
      this.of.set(subscriptionId, newest);
      return shared;
    }
    return this.add(subscriptionId, headers);
  }

  clear(): void {
    this.of.clear();
    this.sets.clear();
    this.characters = 0;
    this.newest = undefined;
  }

  private add(subscriptionId: string, headers: Headers): Shared {
    const number = (this.newest?.number ?? 0) + 1;
    this.newest = { number, headers, size: Object.keys(headers).length };
    this.of.set(subscriptionId, this.newest);
    const text = json(headers);
    this.sets.push(text);
    this.characters += text?.length ?? 0;
    return { set: number, own: NOTHING };
  }
}

/**
 * Returns the headers that differ from a shared set. Returns `null` when a header of the set is missing, which no difference can express,
 * or when more than `most` headers differ.
 */
function beside({ number, headers: set, size }: HeaderSet, headers: Headers, most: number): Shared | null {
  const own: Headers = {};
  let found = 0;
  let differing = 0;
  for (const name in headers) {
    const value = headers[name] as string;
    if (Object.hasOwn(set, name)) {
      found += 1;
      if (set[name] === value) continue;
    }
    differing += 1;
    // A receiver may send a header named `__proto__`; a plain assignment would set the prototype.
    if (name === '__proto__') Object.defineProperty(own, name, { value, enumerable: true });
    else own[name] = value;
  }
  return found < size || differing > most ? null : { set: number, own };
}
