// Finds the parts of a text that may be base64, hex or a list of bytes, and decodes them.

/** A part of a text, and the bytes that it may stand for. `to` is exclusive. */
export interface EncodedRun {
  from: number;
  to: number;
  bytes: Buffer;
}

const fromHex = (run: string): Buffer => Buffer.from(run.replace(/[^0-9a-f]/gi, ''), 'hex');

/**
 * Patterns that take linear time: base64 with the line breaks, indentation and folds that encoders, YAML and headers put into it; hex, with
 * or without separators; and lists of decimal bytes, as JSON shows a Buffer.
 */
const ENCODINGS: [pattern: RegExp, decode: (run: string) => Buffer][] = [
  [/[\w+/-]{16,}(?:(?:\r?\n[ \t]*|(?<=[\w+/-]{56})[ \t])[\w+/-]+)*/g, (run) => Buffer.from(run, 'base64')],
  [/(?:[0-9a-f]{2}){12,}/gi, fromHex],
  [/(?:[0-9a-f]{2}[ :,-]){7,}[0-9a-f]{2}/gi, fromHex],
  [/(?:\d{1,3}\s{0,40},\s{0,40}){7,}\d{1,3}/g, (run) => Buffer.from(run.split(',').map(Number))],
];

/** Length of the shortest part that the patterns match. */
const MIN_RUN = 16;
/** Longer runs are decoded from their first character only, to bound the cost. */
const MAX_SHIFTED_LENGTH = 8_192;

/**
 * Returns all parts that may be encoded. Parts overlap: a run is also decoded from its second to fourth character, because the encoded
 * text may follow other letters.
 */
export function encodedRuns(text: string): EncodedRun[] {
  const runs: EncodedRun[] = [];
  if (text.length < MIN_RUN) return runs;
  for (const [pattern, decode] of ENCODINGS) {
    // `exec` costs a third of `matchAll`, and most texts have no run.
    pattern.lastIndex = 0;
    for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
      const [run] = found;
      const [from, to] = [found.index, found.index + run.length];
      const shifts = run.length > MAX_SHIFTED_LENGTH ? 1 : 4;
      for (let skipped = 0; skipped < shifts; skipped++) runs.push({ from, to, bytes: decode(skipped === 0 ? run : run.slice(skipped)) });
    }
  }
  return runs;
}
