// Reads YAML and JSON files, and remembers where each value is written, so that a mistake is reported with file, line and
// column.
import { dirname, join } from 'node:path';
import { type Document, isCollection, isMap, isNode, isScalar, LineCounter, type Node, parseAllDocuments, type Scalar } from 'yaml';
import { RuntimeError } from '../runtime/runtime-error.js';
import { plainOf, readWritten } from './subscription-input.js';

export interface Position {
  /** From 1. */
  line: number;
  column: number;
}

export type Path = readonly (string | number)[];

export interface WrittenDocument {
  value: unknown;
  /**
   * Returns `file:line:column` of the value at this path; if the value isn't written, of the object or list that should contain it.
   * `inside`: a position in the value's text, which may be in a separate file (`fromFile`).
   */
  placeOf(path: Path, inside?: Position): string;
}

/** Reads every document of a YAML or JSON file. @throws RuntimeError `FILE_INVALID` with the position */
export async function readDocuments(path: string): Promise<WrittenDocument[]> {
  const source = await readWritten(path);
  const lines = new LineCounter();
  const documents = parseAllDocuments(source, { prettyErrors: true, lineCounter: lines });
  const list = Array.isArray(documents) ? documents : [];
  for (const { errors } of list)
    if (errors[0]) {
      const { line, col } = errors[0].linePos?.[0] ?? { line: 1, col: 1 };
      throw new RuntimeError('FILE_INVALID', `${path}:${line}:${col}: ${errors[0].message.trimEnd()}`);
    }
  return list
    .map((document) => ({ value: contentOf(document, path), placeOf: placesIn({ path, source, lines, document }) }))
    .filter(({ value }) => value !== null);
}

interface Written {
  path: string;
  source: string;
  lines: LineCounter;
  document: Document.Parsed;
}

const placesIn =
  ({ path: file, source, lines, document }: Written): WrittenDocument['placeOf'] =>
  (path, inside) => {
    const at = ({ line, column }: Position) => `${file}:${line}:${column}`;
    const { key, value, isWhole } = find(document, path);
    if (isWhole && inside !== undefined && value !== null) {
      const target = isMap(value) ? value.get('fromFile') : null;
      if (typeof target === 'string') return `${join(dirname(file), target)}:${inside.line}:${inside.column}`;
      const found = isScalar(value) ? insideText(value, source, lines, inside) : null;
      if (found) return at(found);
    }
    return at(positionOf(key ?? value, lines));
  };

/** Finds the node at a path, or the innermost node on the way to it. `key`: the node of its name; `null` in a list. */
function find(document: Document.Parsed, path: Path): { key: Node | null; value: Node | null; isWhole: boolean } {
  let value: Node | null = document.contents;
  let key: Node | null = null;
  for (const step of path) {
    if (!isCollection(value)) return { key, value, isWhole: false };
    const pair = isMap(value) ? value.items.find((item) => isScalar(item.key) && item.key.value === step) : undefined;
    const next: unknown = pair ? pair.value : isMap(value) ? undefined : value.get(step, true);
    if (!isNode(next)) return { key: isNode(pair?.key) ? pair.key : key, value, isWhole: false };
    key = isNode(pair?.key) ? pair.key : null;
    value = next;
  }
  return { key, value, isWhole: true };
}

function positionOf(node: Node | null, lines: LineCounter): Position {
  const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Converts a position in a text to a position in the file; `null` when folding or escapes make it unknown. */
function insideText({ type, range }: Scalar, source: string, lines: LineCounter, { line, column }: Position): Position | null {
  if (!range) return null;
  const start = lines.linePos(range[0]);
  if (type === 'BLOCK_LITERAL') {
    const indentation = /^ */.exec(source.split('\n')[start.line] ?? '')?.[0].length ?? 0;
    return { line: start.line + line, column: indentation + column };
  }
  const text = source.slice(range[0], range[1]);
  if (line !== 1 || text.includes('\n') || text.includes('\\')) return null;
  return { line: start.line, column: start.col + (type === 'PLAIN' ? 0 : 1) + column - 1 };
}

/** @throws RuntimeError `FILE_INVALID` when aliases of the document contain themselves or multiply */
function contentOf(document: Document.Parsed, path: string): unknown {
  try {
    return plainOf(document);
  } catch (error) {
    throw new RuntimeError('FILE_INVALID', `${path}: ${(error as Error).message}`);
  }
}
