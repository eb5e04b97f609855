// Copies the project, adds a node type and builds it, as a developer does in a clone.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TSC } from './tsc.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface OwnNodeType {
  /** The name of the type's file in `src/sample/nodes`, without the extension. */
  file: string;
  source: string;
  /** The Prisma model. */
  model: string;
  migration: string;
  /** The field for the other side of the relation, and a pattern for the line of the other model after which to insert it. */
  beside: { line: RegExp; field: string };
}

/** Copies everything that a developer's clone has and links the installed dependencies. */
export async function copyProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hookgraph-node-type-'));
  const parts = [
    'src',
    'prisma',
    'scripts',
    'package.json',
    'package-lock.json',
    'schema.graphql',
    'tsconfig.json',
    'tsconfig.build.json',
    'prisma.config.nodes.ts',
  ];
  await Promise.all(parts.map((part) => cp(join(ROOT, part), join(folder, part), { recursive: true })));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}

export async function addNodeType(copy: string, { file, source, model, migration, beside }: OwnNodeType): Promise<void> {
  await edit(copy, 'prisma/nodes/schema.prisma', (text) => text.replace(beside.line, `$&  ${beside.field}\n`) + model);
  const folder = join(copy, `prisma/nodes/migrations/29990101000000_${file.replaceAll('-', '_')}`);
  await mkdir(folder);
  await writeFile(join(folder, 'migration.sql'), migration);
  await writeFile(join(copy, `src/sample/nodes/${file}.ts`), source);
  const name = file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  await edit(copy, 'src/sample/nodes/list.ts', (text) => `${text}export { ${name} } from './${file}.js';\n`);
}

async function edit(copy: string, path: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(join(copy, path), 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`${path} has no place for the node type`);
  await writeFile(join(copy, path), changed);
}

/** Builds as `npm run build` does, but installs nothing. `check`: whether the types are checked, too, which takes three times as long. */
export async function build(copy: string, { check = true } = {}): Promise<void> {
  const run = promisify(execFile);
  await run(process.execPath, ['scripts/generate.mjs'], { cwd: copy });
  const options = check ? [] : ['--noCheck'];
  await run(process.execPath, [...TSC, '-p', 'tsconfig.build.json', '--declaration', 'false', ...options], { cwd: copy }).catch((error) => {
    throw new Error(error.stdout);
  });
  const copyStatements = "import('./scripts/prepare.mjs').then(({ copyStatements }) => copyStatements())";
  await run(process.execPath, ['-e', copyStatements], { cwd: copy });
}
