// Writes long values as JSON in pieces, because the JSON of megabytes takes 10 ms and more of the event loop.

/**
 * Returns the JSON of an array of texts that are JSON already, and of arrays of which single texts may be long. Each piece has about
 * `size` characters, and up to six times as many where all are escaped.
 */
export function* jsonInPieces(entries: readonly (string | readonly unknown[])[], size: number): Generator<string> {
  let piece = '';
  for (const part of arrayOf(entries.map((entry) => (typeof entry === 'string' ? [entry] : partsOf(entry, size))))) {
    piece += part;
    if (piece.length < size) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function* arrayOf(values: Iterable<Iterable<string>>): Generator<string> {
  let separator = '[';
  for (const value of values) {
    yield separator;
    yield* value;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

function* partsOf(value: unknown, size: number): Generator<string> {
  if (Array.isArray(value)) yield* arrayOf(value.map((inner) => partsOf(inner, size)));
  else if (typeof value !== 'string' || value.length <= size) yield JSON.stringify(value);
  else {
    yield '"';
    // A pair of surrogates may be cut in two. JSON escapes both halves, and reads them as the pair again.
    for (let at = 0; at < value.length; at += size) yield JSON.stringify(value.slice(at, at + size)).slice(1, -1);
    yield '"';
  }
}
