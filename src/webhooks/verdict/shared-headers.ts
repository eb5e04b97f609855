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

/** Nearly all of a subscription's headers are alike, and to write and read them again is what recording costs most. */
export function shareHeaders(rows: readonly { key: string; headers: Headers | null | undefined }[]): SharedHeaders {
  const groups = new Map<string, { common: Headers; count: number }>();
  for (const { key, headers } of rows) {
    if (!headers) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { common: { ...headers }, count: 1 });
    else {
      group.count += 1;
      for (const name in group.common) if (headers[name] !== group.common[name]) delete group.common[name];
    }
  }
  const stems: string[] = [];
  const numbers = new Map<string, number>();
  for (const [key, { common, count }] of groups) {
    if (count === 1 || Object.keys(common).length === 0) continue;
    numbers.set(key, stems.push(JSON.stringify(common)));
  }
  const stemOf = rows.map(({ key, headers }) => (headers ? (numbers.get(key) ?? null) : null));
  const own = rows.map(({ key, headers }, i) => {
    if (!headers || stemOf[i] === null) return headers ?? null;
    const { common } = groups.get(key) as { common: Headers };
    // Not by assignment: a receiver may call a header `__proto__`.
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !Object.hasOwn(common, name)));
  });
  return { stems, stemOf, own };
}
