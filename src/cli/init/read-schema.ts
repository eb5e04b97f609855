// Reads a project's GraphQL schema: from a module that exports it, or from an SDL file.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { findTypeScriptLoader } from '../adopter/load-app.js';
import { importPath, type Project } from './project.js';
import { runNode } from './run-node.js';

export interface ReadSchema {
  schema: GraphQLSchema;
  /** The file that the schema was read from. */
  from: string;
  /** The schema's export, which the file that init writes imports; `null` when the schema comes from an SDL file. */
  imported: { name: string; from: string } | null;
}

/** Reads the project's GraphQL schema, if it has one. `problem`: why a module that seems to export it couldn't be loaded. */
export async function readSchema(project: Project, env: NodeJS.ProcessEnv): Promise<{ read: ReadSchema | null; problem: string | null }> {
  let problem: string | null = null;
  if (project.module !== null) {
    try {
      const { name, sdl } = await askModule(project.module, env);
      return {
        read: { schema: buildSchema(sdl), from: project.module, imported: { name, from: importPath(project, project.module) } },
        problem,
      };
    } catch (error) {
      problem = `${project.module} seems to export a GraphQL schema, but importing it failed: ${(error as Error).message}`;
    }
  }
  if (project.sdl === null) return { read: null, problem };
  return { read: { schema: parse(project.sdl), from: project.sdl, imported: null }, problem };
}

function parse(path: string): GraphQLSchema {
  try {
    return buildSchema(readFileSync(path, 'utf8'), { assumeValidSDL: true });
  } catch (cause) {
    throw new RuntimeError(
      'SCHEMA_INVALID',
      `${path} does not contain a valid GraphQL schema: ${(cause as Error).message}`,
      'Write the file with `printSchema` of the package graphql.',
    );
  }
}

/** Loads the module in a separate process, so that its connections and timers end with it. */
async function askModule(file: string, env: NodeJS.ProcessEnv): Promise<{ name: string; sdl: string }> {
  const loader = /\.[cm]?tsx?$/.test(file) ? await findTypeScriptLoader(file) : null;
  const script = ['--input-type=module', '--eval', PRINT, resolve(file)];
  const stdout = await runNode([...(loader ? ['--import', loader] : []), ...script], { cwd: dirname(file), env });
  return JSON.parse(stdout.slice(stdout.lastIndexOf(MARK) + MARK.length));
}

/** Marks where the schema begins on stdout, because the module may print too. */
const MARK = '\u0000schema:';

const PRINT = `
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
const file = process.argv[1];
const isSchema = (value) => typeof value?.getQueryType === 'function' && typeof value.getTypeMap === 'function';
const module = await import(pathToFileURL(file).href);
const found = Object.entries({ ...module.default, ...module }).find(([, value]) => isSchema(value));
if (!found) throw new Error('the module exports no GraphQLSchema');
const { printSchema } = await import(pathToFileURL(createRequire(file).resolve('graphql')).href);
process.stdout.write(${JSON.stringify(MARK)} + JSON.stringify({ name: found[0], sdl: printSchema(found[1]) }), () => process.exit(0));`;
