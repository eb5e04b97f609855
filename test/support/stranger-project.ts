// Makes an adopter's project in a temporary folder: it has the built package, its dependencies and the given files.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TSC } from './tsc.js';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = ['pg', '@types', 'graphql', 'graphql-yoga', 'kysely', '@prisma', 'prisma', 'tsx', 'typescript'];
const run = promisify(execFile);

export interface StrangerProject {
  dir: string;
  /** Runs tsc in the strictest mode over all of the project's TypeScript, and returns the output. */
  typeCheck(): Promise<string>;
  close(): Promise<void>;
}

export async function strangerProject(files: Record<string, string>): Promise<StrangerProject> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-stranger-project-'));
  await mkdir(join(dir, 'node_modules'));
  for (const name of PACKAGES) await symlink(join(ROOT, 'node_modules', name), join(dir, 'node_modules', name));
  await symlink(ROOT, join(dir, 'node_modules/hookgraph'));
  // Installs the package's command as npm does.
  await mkdir(join(dir, 'node_modules/.bin'));
  const command = `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/dist/sources/prisma/generator.js"\n`;
  await writeFile(join(dir, 'node_modules/.bin/hookgraph-prisma'), command, { mode: 0o755 });
  const strict = { strict: true, module: 'NodeNext', target: 'ES2022', skipLibCheck: true, noEmit: true, noUncheckedIndexedAccess: true };
  const all = {
    'package.json': JSON.stringify({ name: 'shop', private: true, type: 'module' }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...strict, types: ['node'] } }),
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    if (text === '') continue;
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return {
    dir,
    typeCheck: () =>
      run(process.execPath, [...TSC, '-p', '.'], { cwd: dir }).then(
        ({ stdout }) => stdout,
        (error: { stdout: string }) => error.stdout,
      ),
    close: () => rm(dir, { recursive: true, force: true }),
  };
}
