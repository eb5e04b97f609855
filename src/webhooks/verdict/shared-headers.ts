// The headers of many requests or answers -> those of the first of each subscription told once, and where another's differ.
import { jsonbs } from '../base/arrays.js';
import { json } from './storable.js';

type Headers = Record<string, string>;

interface Stem {
  /** Its place among the stems, from 1. */
  number: number;
  headers: Headers;
  size: number;
}

const NOTHING: Headers = {};

/** Nearly all of a subscription's headers are alike, and to write and read them again is what recording costs most. */
export class SharedHeaders {
  readonly stems = jsonbs();
  private readonly of = new Map<string, Stem>();

  /** `own` beside the stem of that number are the headers again. */
  share(subscriptionId: string, headers: Headers | null | undefined): { stem: number | null; own: Headers | null } {
    if (!headers) return { stem: null, own: null };
    const stem = this.of.get(subscriptionId);
    if (stem === undefined) {
      const number = this.of.size + 1;
      this.of.set(subscriptionId, { number, headers, size: Object.keys(headers).length });
      this.stems.push(json(headers));
      return { stem: number, own: NOTHING };
    }
    const own: Headers = {};
    let found = 0;
    for (const name in headers) {
      const value = headers[name] as string;
      if (Object.hasOwn(stem.headers, name)) {
        found += 1;
        if (stem.headers[name] === value) continue;
      }
      // Not by assignment: a receiver may call a header so.
      if (name === '__proto__') Object.defineProperty(own, name, { value, enumerable: true });
      else own[name] = value;
    }
    // It lacks one of the stem's, which nothing beside it could take back.
    return found < stem.size ? { stem: null, own: headers } : { stem: stem.number, own };
  }

  clear(): void {
    this.of.clear();
    this.stems.clear();
  }
}
