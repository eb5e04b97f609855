// The headers of many requests or answers -> those of one told once, and where another's differ.
import { jsonbs } from '../base/store/arrays.js';
import { json } from './storable.js';

type Headers = Record<string, string>;

interface Stem {
  /** Its place among the stems, from 1. */
  number: number;
  headers: Headers;
  size: number;
}

interface Shared {
  stem: number | null;
  own: Headers | null;
}

const NOTHING: Headers = {};
const NONE: Shared = { stem: null, own: null };

/** Nearly all of the headers are alike, and to write and read them again is what recording costs most. */
export class SharedHeaders {
  readonly stems = jsonbs();
  private readonly of = new Map<string, Stem>();
  private newest: Stem | undefined;

  /** `own` beside the stem of that number are the headers again. */
  share(subscriptionId: string, headers: Headers | null | undefined): Shared {
    if (!headers) return NONE;
    const usual = this.of.get(subscriptionId);
    if (usual !== undefined) return beside(usual, headers, usual.size) ?? { stem: null, own: headers };
    // Another subscription's, where that says at least half of them.
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
    this.stems.clear();
    this.newest = undefined;
  }

  private add(subscriptionId: string, headers: Headers): Shared {
    const number = (this.newest?.number ?? 0) + 1;
    this.newest = { number, headers, size: Object.keys(headers).length };
    this.of.set(subscriptionId, this.newest);
    this.stems.push(json(headers));
    return { stem: number, own: NOTHING };
  }
}

/** Null: they lack one of the stem's, which nothing beside it could take back, or more than `most` of them differ. */
function beside({ number, headers: stem, size }: Stem, headers: Headers, most: number): Shared | null {
  const own: Headers = {};
  let found = 0;
  let differing = 0;
  for (const name in headers) {
    const value = headers[name] as string;
    if (Object.hasOwn(stem, name)) {
      found += 1;
      if (stem[name] === value) continue;
    }
    differing += 1;
    // Not by assignment: a receiver may call a header so.
    if (name === '__proto__') Object.defineProperty(own, name, { value, enumerable: true });
    else own[name] = value;
  }
  return found < size || differing > most ? null : { stem: number, own };
}
