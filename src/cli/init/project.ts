// Inspects a project's folder: its language, its Prisma schema and its GraphQL schema.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { RuntimeError } from '../../runtime/runtime-error.js';

export interface Project {
  dir: string;
  /** Path of the file to write. */
  out: string;
  typescript: boolean;
  /** Whether the project's TypeScript imports use the ending `.ts`. */
  importsTs: boolean;
  name: string | null;
  /** Path of the Prisma schema, a file or a folder; `null` when there is none. */
  prisma: string | null;
  /** Path of a GraphQL schema in SDL; `null` when there is none. */
  sdl: string | null;
  /** Path of a module that exports the executable schema; `null` when there is none. */
  module: string | null;
}

export interface ProjectOptions {
  out?: string;
  prisma?: string;
  schema?: string;
}

const PRISMA = ['prisma/schema.prisma', 'prisma/schema', 'schema.prisma', 'prisma'];

const FOLDERS = ['', 'src', 'src/graphql', 'graphql', 'src/schema', 'schema', 'server', 'src/server', 'src/api', 'lib'];

const SDL = ['schema.graphql', 'schema.gql', 'schema.graphqls'];

const MODULES = ['schema', 'index', 'graphql', 'typeDefs'].flatMap((name) =>
  ['ts', 'mts', 'js', 'mjs', 'cts', 'cjs'].map((ending) => `${name}.${ending}`),
);

/** Matches modules that create an executable schema with one of the common libraries. */
const MAKES_SCHEMA =
  /\bexport\b[\s\S]*\b(createSchema|makeExecutableSchema|buildSchema(Sync)?|toSchema|buildSubgraphSchema|makeSchema|new GraphQLSchema)\b/;

export function readProject(dir: string, { out, prisma, schema }: ProjectOptions): Project {
  const manifest = readManifest(dir);
  const typescript = out === undefined ? existsSync(join(dir, 'tsconfig.json')) : /\.[cm]?ts$/.test(out);
  // Without "type": "module" in package.json, an ES module needs the ending .mts or .mjs.
  const ending = `${manifest.type === 'module' ? '' : 'm'}${typescript ? 'ts' : 'js'}`;
  const isModule = schema !== undefined && /\.[cm]?[jt]sx?$/.test(schema);
  return {
    dir,
    out: resolve(dir, out ?? `hookgraph.${ending}`),
    typescript,
    importsTs: /"(allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/.test(readText(join(dir, 'tsconfig.json'))),
    name: manifest.name ?? null,
    prisma: prisma === undefined ? findPrisma(dir) : there(dir, '--prisma', prisma),
    sdl: schema !== undefined ? (isModule ? null : there(dir, '--schema', schema)) : find(dir, SDL),
    module:
      schema !== undefined && isModule
        ? there(dir, '--schema', schema)
        : find(dir, MODULES, (path) => MAKES_SCHEMA.test(readFileSync(path, 'utf8'))),
  };
}

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

const readManifest = (dir: string): { name?: string; type?: string } => JSON.parse(readText(join(dir, 'package.json')) || '{}');

function there(dir: string, option: string, path: string): string {
  const found = resolve(dir, path);
  if (existsSync(found)) return found;
  throw new RuntimeError(
    'FILE_NOT_FOUND',
    `${option} names ${path}, but this file does not exist`,
    'Pass an existing file, or leave the option out.',
  );
}

function findPrisma(dir: string): string | null {
  const found = PRISMA.map((path) => join(dir, path)).find(
    (path) => existsSync(path) && (path.endsWith('.prisma') || statSync(path).isDirectory()),
  );
  return found ?? null;
}

function find(dir: string, names: string[], fits: (path: string) => boolean = () => true): string | null {
  const paths = FOLDERS.flatMap((folder) => names.map((name) => join(dir, folder, name)));
  return paths.find((path) => existsSync(path) && fits(path)) ?? null;
}

/**
 * Returns the path by which the written file imports `to`. The ending `.ts` becomes `.js` unless the project's imports
 * use `.ts`.
 */
export function importPath({ out, importsTs }: Pick<Project, 'out' | 'importsTs'>, to: string): string {
  const path = relative(dirname(out), to).replaceAll('\\', '/');
  const named = importsTs ? path : path.replace(/\.([cm]?)tsx?$/, '.$1js');
  return named.startsWith('.') ? named : `./${named}`;
}
