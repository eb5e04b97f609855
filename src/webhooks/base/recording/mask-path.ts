// Parses the paths of values to mask, and follows many paths at once while a document is walked.

export type MaskPath = Segment[];
type Segment = { kind: 'deep' } | { kind: 'any' } | { kind: 'each' } | { kind: 'name'; name: string } | { kind: 'index'; index: number };

// A name without quotes ends at a character that has a meaning in paths; `["…"]` can contain any name.
const TOKEN = /(\*\*|\*|[^.[\]"'*\s]+)|\[(?:(\*)|(\d{1,9})|("(?:[^"\\]|\\.)*"))\]/y;

/**
 * Parses a path such as `data.node.email`, `users[*].phone`, `users[0]` or `meta["any name"]`.
 * `*` stands for any one step, `**` for any number of steps. Returns `wrong` with the position of the first mistake.
 */
export function parseMaskPath(text: string): MaskPath | { wrong: string } {
  const path: MaskPath = [];
  let at = text.startsWith('$.') ? 2 : 0;
  const wrong = () => ({
    wrong: `${JSON.stringify(text)} is not a path: character ${at + 1} must start a name, *, **, [*], [0] or ["name"]`,
  });
  while (at < text.length || path.length === 0) {
    if (path.length > 0 && text[at] === '.') {
      at++;
      if (text[at] === '[') return wrong();
    } else if (path.length > 0 && text[at] !== '[') return wrong();
    TOKEN.lastIndex = at;
    const [whole, word, each, index, quoted] = TOKEN.exec(text) ?? [];
    if (whole === undefined) return wrong();
    try {
      if (word === '**') {
        // Two `**` in a row mean the same as one, but would multiply the positions to follow.
        if (path.at(-1)?.kind !== 'deep') path.push({ kind: 'deep' });
      } else if (word === '*') path.push({ kind: 'any' });
      else if (word !== undefined) path.push({ kind: 'name', name: word });
      else if (each !== undefined) path.push({ kind: 'each' });
      else if (index !== undefined) path.push({ kind: 'index', index: Number(index) });
      else path.push({ kind: 'name', name: JSON.parse(quoted as string) });
    } catch {
      return wrong();
    }
    at += whole.length;
  }
  return path;
}

/**
 * How far the paths have been followed at one place in a document; `at` is the index of a path's next segment. A path can have several
 * positions, since `**` may end at any level.
 */
export type Progress = readonly { path: MaskPath; at: number }[];

/**
 * Follows the paths one level down: to an object's key or element's name (string), or a list item (number). `masked`: a path ends here, so
 * the whole value must be masked.
 */
export function stepDown(progress: Progress, key: string | number): { masked: boolean; progress: Progress } {
  const next: { path: MaskPath; at: number }[] = [];
  const arrived = new Set<Segment>();
  let masked = false;
  const arrive = (path: MaskPath, at: number) => {
    const segment = path[at];
    if (!segment) masked = true;
    else if (!arrived.has(segment)) {
      arrived.add(segment);
      next.push({ path, at });
    }
  };
  const from = [...progress];
  for (const { path, at } of from) {
    const segment = path[at] as Segment;
    if (segment.kind === 'deep') {
      if (at + 1 === path.length) masked = true;
      else from.push({ path, at: at + 1 });
      arrive(path, at);
    } else if (fits(segment, key)) arrive(path, at + 1);
    // A name also matches inside list items: `users.phone` means `users[*].phone`, because masking too little is worse than too much.
    else if (typeof key === 'number' && segment.kind === 'name') arrive(path, at);
  }
  return { masked, progress: next };
}

function fits(segment: Segment, key: string | number): boolean {
  if (segment.kind === 'any') return true;
  if (typeof key === 'number') return segment.kind === 'each' || (segment.kind === 'index' && segment.index === key);
  return segment.kind === 'name' && segment.name === key;
}
