// The headers of many requests or answers -> what those of one subscription have in common, told once, and what is each one's own.

type Headers = Record<string, string>;

export interface SharedHeaders {
  /** JSON texts. */
  stems: string[];
  /** Per row: the number of its stem, from 1. */
  stemOf: (number | null)[];
  /** Per row, beside its stem: a JSON object. */
  own: (Headers | null)[];
}

/** Nearly all of a subscription's headers are alike, and to write and read them again is what recording costs most. `keys`: whose they are. */
export function shareHeaders(keys: readonly string[], rows: readonly (Headers | null | undefined)[]): SharedHeaders {
  const groups = new Map<string, { common: Headers; count: number; stem: number | null }>();
  for (let i = 0; i < rows.length; i++) {
    const headers = rows[i];
    if (!headers) continue;
    const key = keys[i] as string;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { common: { ...headers }, count: 1, stem: null });
    else {
      group.count += 1;
      for (const name in group.common) if (headers[name] !== group.common[name]) delete group.common[name];
    }
  }
  const stems: string[] = [];
  for (const group of groups.values())
    if (group.count > 1 && Object.keys(group.common).length > 0) group.stem = stems.push(JSON.stringify(group.common));
  const stemOf: (number | null)[] = [];
  const own: (Headers | null)[] = [];
  for (let i = 0; i < rows.length; i++) {
    const headers = rows[i];
    const group = headers ? groups.get(keys[i] as string) : undefined;
    stemOf.push(group?.stem ?? null);
    own.push(!headers ? null : group?.stem ? without(headers, group.common) : headers);
  }
  return { stems, stemOf, own };
}

function without(headers: Headers, common: Headers): Headers {
  const own: Headers = {};
  for (const name in headers) {
    if (Object.hasOwn(common, name)) continue;
    // Not by assignment: a receiver may call a header so.
    if (name === '__proto__') Object.defineProperty(own, name, { value: headers[name], enumerable: true });
    else own[name] = headers[name] as string;
  }
  return own;
}
