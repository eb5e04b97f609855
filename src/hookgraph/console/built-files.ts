// Reads the files that the build of the console has written, with their compressed forms.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { packageFile } from '../../runtime/package-file.js';

export interface BuiltFile {
  contentType: string;
  plain: Buffer;
  br: Buffer | null;
  gzip: Buffer | null;
}

/** Names of files are relative to dist/console. */
export interface BuiltConsole {
  entry: string;
  /** The modules that the entry imports, which a page loads at once. */
  imports: string[];
  styles: string[];
  file(name: string): BuiltFile | undefined;
}

interface Chunk {
  file: string;
  isEntry?: boolean;
  imports?: string[];
  css?: string[];
}

const CONTENT_TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** @throws RuntimeError `FILES_MISSING` when the console was not built */
export function readBuild(): BuiltConsole {
  const manifest = packageFile(import.meta.url, '../../../dist/console/manifest.json', 'dist/console/manifest.json');
  const folder = dirname(manifest);
  const chunks: Record<string, Chunk> = JSON.parse(readFileSync(manifest, 'utf8'));
  const entry = Object.values(chunks).find(({ isEntry }) => isEntry) as Chunk;
  const loaded = reach(chunks, entry);
  // Only names that were listed are served, so a request can't reach another file.
  const names = new Set(readdirSync(join(folder, 'assets')).map((name) => `assets/${name}`));
  const files = new Map<string, BuiltFile>();
  return {
    entry: entry.file,
    imports: loaded.filter((chunk) => chunk !== entry).map(({ file }) => file),
    styles: [...new Set(loaded.flatMap(({ css = [] }) => css))],
    file(name) {
      if (!names.has(name) || /\.(br|gz)$/.test(name)) return undefined;
      const read = files.get(name) ?? readFile(join(folder, name));
      files.set(name, read);
      return read;
    },
  };
}

/** Returns the chunk and all chunks that it imports statically, each once. */
function reach(chunks: Record<string, Chunk>, from: Chunk, found: Chunk[] = []): Chunk[] {
  if (found.includes(from)) return found;
  found.push(from);
  for (const name of from.imports ?? []) reach(chunks, chunks[name] as Chunk, found);
  return found;
}

function readFile(path: string): BuiltFile {
  const compressed = (extension: string) => (existsSync(path + extension) ? readFileSync(path + extension) : null);
  return {
    contentType: CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    plain: readFileSync(path),
    br: compressed('.br'),
    gzip: compressed('.gz'),
  };
}
