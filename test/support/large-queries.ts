// Builds queries at the limits of width and depth.

/** A query with this many fields, half of them through one fragment that is spread twice. */
export function wide(fields: number): string {
  const some = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}: id`).join(' ');
  return `query { a: viewer { ...F ${some(fields - 52, 'x')} } b: viewer { ...F } }\nfragment F on User { ${some(25, 'y')} }`;
}

/** A query with this many levels, all but the first in a fragment. */
export function deep(levels: number): string {
  const path = Array.from({ length: levels - 2 }, (_, index) => ['organization', 'members(first: 1)', 'nodes'][index % 3]);
  return `query { viewer { ...F } }\nfragment F on User { ${path.map((field) => `${field} { `).join('')}__typename${' }'.repeat(path.length)} }`;
}
