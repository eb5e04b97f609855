// Reads a project's Prisma models by running Hookgraph's generator with the project's own Prisma. Finds the folders into
// which the schema's generators write the client and the models.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { SourceModel } from '../../sources/source.js';
import { importPath, type Project } from './project.js';
import { runNode } from './run-node.js';

export interface ReadPrisma {
  models: SourceModel[];
  imports: { client: string; models: string };
  /** The name of Hookgraph's generator in the schema. */
  generator: string;
  /** The text that adds the generator to a file of the Prisma schema; `null` when the schema already has it. */
  addition: { file: string; text: string } | null;
}

export async function readPrisma(schema: string, project: Project, env: NodeJS.ProcessEnv): Promise<ReadPrisma> {
  return { models: await askPrisma(schema, project.dir, env), ...generatorsOf(schema, project) };
}

/** Runs the schema's generator `hookgraph-prisma`, which writes a module with the models to the generator's `output`. */
export async function generateModels(schema: string, generator: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  await runPrisma(schema, generator, options);
}

/** Runs Prisma on a copy of the schema, so that the project's files don't change. */
async function askPrisma(schema: string, cwd: string, env: NodeJS.ProcessEnv): Promise<SourceModel[]> {
  const dir = mkdtempSync(join(tmpdir(), 'hookgraph-init-'));
  try {
    const isFolder = statSync(schema).isDirectory();
    const copy = join(dir, isFolder ? 'schema' : 'schema.prisma');
    cpSync(schema, copy, { recursive: true, filter: (path) => statSync(path).isDirectory() || path.endsWith('.prisma') });
    const answer = join(dir, 'models.json');
    const added = isFolder ? join(copy, 'hookgraph_init.prisma') : copy;
    const before = isFolder ? '' : readFileSync(copy, 'utf8');
    const provider = `"${process.execPath}" "${ownGenerator()}"`;
    writeFileSync(
      added,
      `${before}\ngenerator hookgraph_init {\n  provider = ${JSON.stringify(provider)}\n  output = ${JSON.stringify(answer)}\n}\n`,
    );
    await runPrisma(copy, 'hookgraph_init', { cwd, env });
    return JSON.parse(readFileSync(answer, 'utf8'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Returns the path of the compiled Prisma generator. Finds it by the package's name, because this file may run as TypeScript source. */
const ownGenerator = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('hookgraph/package.json')), 'dist/sources/prisma/generator.js');

async function runPrisma(schema: string, generator: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  const manifest = createRequire(join(options.cwd, 'x.js')).resolve('prisma/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: string | { prisma: string } };
  const command = join(dirname(manifest), typeof bin === 'string' ? bin : bin.prisma);
  await runNode([command, 'generate', '--schema', schema, '--generator', generator], options);
}

interface Generator {
  file: string;
  name: string;
  settings: Record<string, string>;
}

function generatorsOf(schema: string, project: Project): Omit<ReadPrisma, 'models'> {
  const generators = filesOf(schema).flatMap((file): Generator[] =>
    [...readFileSync(file, 'utf8').matchAll(/^\s*generator\s+(\w+)\s*\{([^}]*)\}/gm)].map(([, name = '', body = '']) => ({
      file,
      name,
      settings: Object.fromEntries([...body.matchAll(/^\s*(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"/gm)].map(([, key, value]) => [key, value])),
    })),
  );
  const at = ({ file, settings }: Generator) => (settings.output === undefined ? undefined : resolve(dirname(file), settings.output));
  const client = generators.find(({ settings }) => /^prisma-client(-js)?$/.test(settings.provider ?? ''));
  const ours = generators.find(({ settings }) => /hookgraph-prisma$/.test(settings.provider ?? ''));
  const clientDir = client && at(client);
  const isNew = client?.settings.provider === 'prisma-client';
  const clientImport = clientDir === undefined ? '@prisma/client' : importPath(project, join(clientDir, isNew ? 'client.ts' : 'index.js'));
  const folder = client?.settings.output ?? '../generated';
  const output = ours ? (ours.settings.output ?? '.') : project.typescript ? folder : `${folder}/hookgraph-models.js`;
  const file = ours?.file ?? client?.file ?? filesOf(schema)[0] ?? schema;
  const target = resolve(dirname(file), output);
  const models = /\.[cm]?[jt]s$/.test(target) ? target : join(target, 'hookgraph-models.ts');
  const text = `\ngenerator hookgraph {\n  provider = "hookgraph-prisma"\n  output   = ${JSON.stringify(output)}\n}\n`;
  return {
    imports: { client: clientImport, models: importPath(project, models) },
    generator: ours?.name ?? 'hookgraph',
    addition: ours ? null : { file, text },
  };
}

function filesOf(schema: string): string[] {
  if (!statSync(schema).isDirectory()) return [schema];
  return readdirSync(schema, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.prisma'))
    .map((path) => join(schema, path))
    .sort();
}
