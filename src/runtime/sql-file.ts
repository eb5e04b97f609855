// Loads statements from .sql files that psql can run: turns their named parameters into $1, $2, … and inserts their
// fragments.
//
// A statement file holds one statement. `:name` and `:'name'` are parameters, as psql's variables are. `\ir other.sql`
// includes a file of fragments, each written as `SELECT $$…$$ AS name \gset`: `:name` then stands for the fragment's
// text, here and in psql.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { packageFile } from './package-file.js';
import { RuntimeError } from './runtime-error.js';

export interface Statement<Name extends string> {
  /** The statement for pg, without its comments. Read from the file once, at the first use. */
  readonly text: string;
  /** Returns the values of the parameters in the order of $1, $2, …. @throws RuntimeError `PARAMETER_MISSING` */
  values(parameters: Readonly<Record<Name, unknown>>): unknown[];
}

export interface Parsed {
  text: string;
  /** Names of the parameters; the first one is $1. */
  names: string[];
}

type Fragments = ReadonlyMap<string, string>;

const statements: Statement<never>[] = [];

/** Declares the statement in an .sql file. @param path the file, relative to `src`, and to `dist` in the built package */
export function sqlStatement<Name extends string>(path: string): Statement<Name> {
  let parsed: Parsed | undefined;
  const load = (): Parsed => (parsed ??= readStatement(path));
  const statement: Statement<Name> = {
    get text() {
      return load().text;
    },
    values: (parameters) => load().names.map((name) => parameterOf(path, parameters, name)),
  };
  statements.push(statement);
  return statement;
}

/** Returns a function that reads one fragment of an .sql file, for use in a short statement inside a TypeScript file. */
export function sqlFragment(path: string, name: string): () => string {
  let text: string | undefined;
  return () => {
    text ??= parseStatement(`:${name}`, parseFragments(read(path))).text.trim();
    return text;
  };
}

/**
 * Reads all statements that aren't loaded yet, so that a process fails at its start if .sql files are missing.
 * @throws RuntimeError `FILES_MISSING` when the package's files aren't beside a bundle
 */
export function loadStatements(): void {
  for (const { text } of statements) void text;
}

export function readStatement(path: string): Parsed {
  const fragments = new Map<string, string>();
  const source = read(path).replaceAll(/^\\ir\s+(\S+)\s*$/gm, (_, included: string) => {
    for (const [name, text] of parseFragments(read(posix.join(posix.dirname(path), included)))) fragments.set(name, text);
    return '';
  });
  return parseStatement(source, fragments);
}

/** Reads a file by its path below `src`, or below `dist` in the built package. This module is in their folder `runtime`. */
const read = (path: string): string => readFileSync(packageFile(import.meta.url, `../${path}`, `dist/${path}`), 'utf8');

export function parseFragments(source: string): Map<string, string> {
  return new Map([...source.matchAll(/\$\$([\s\S]*?)\$\$\s+AS\s+(\w+)\s+\\gset/g)].map(([, text = '', name = '']) => [name, text]));
}

/** Matches comments, strings, quoted names and casts, which contain no parameters, and then the parameters themselves. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|::|:(?:'(\w+)'|(\w+))/g;

export function parseStatement(source: string, fragments: Fragments = new Map()): Parsed {
  const names: string[] = [];
  const numberOf = (name: string): number => {
    if (!names.includes(name)) names.push(name);
    return names.indexOf(name) + 1;
  };
  const expand = (text: string): string =>
    text.replaceAll(TOKEN, (token: string, _tag: string | undefined, quoted: string | undefined, bare: string | undefined) => {
      if (token.startsWith('--') || token.startsWith('/*')) return '';
      const fragment = bare === undefined ? undefined : fragments.get(bare);
      if (fragment !== undefined) return expand(fragment);
      const name = quoted ?? bare;
      return name === undefined ? token : `$${numberOf(name)}`;
    });
  return { text: expand(source).trim().replace(/;$/, ''), names };
}

function parameterOf(path: string, parameters: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(parameters, name)) return parameters[name];
  throw new RuntimeError('PARAMETER_MISSING', `${path} has the parameter "${name}", but the caller passed no value for it`);
}
