// Installs the examples with this checkout's Hookgraph, packed as npm would publish it. Generates the Prisma client of each example that
// has a Prisma schema.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXAMPLES = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(EXAMPLES);
const FOLDER = join(EXAMPLES, '.packed');
const PACKED = join(FOLDER, 'hookgraph.tgz');
const INSTALLED = join(EXAMPLES, 'node_modules/hookgraph/package.json');

const npm = (args, cwd) => execFileSync('npm', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });

/** Returns the time of the newest change in a file or folder, in milliseconds since 1970. */
function newest(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const changedAt = Math.max(...['src', 'prisma', 'package.json'].map((path) => newest(join(ROOT, path))));
if (!existsSync(PACKED) || statSync(PACKED).mtimeMs < changedAt) {
  console.log('Packing Hookgraph …');
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  npm(['pack', '--silent', '--pack-destination', FOLDER], ROOT);
  renameSync(join(FOLDER, readdirSync(FOLDER)[0]), PACKED);
}
if (!existsSync(INSTALLED) || statSync(INSTALLED).ctimeMs < statSync(PACKED).mtimeMs) {
  console.log('Installing …');
  rmSync(join(EXAMPLES, 'node_modules/hookgraph'), { recursive: true, force: true });
  npm(['install', '--no-audit', '--no-fund', '--loglevel=error', '--no-package-lock'], EXAMPLES);
}

const SCHEMA = 'prisma/schema.prisma';
const GENERATED = 'generated/hookgraph-models.ts';
if (existsSync(SCHEMA) && (!existsSync(GENERATED) || newest(GENERATED) < Math.max(newest(SCHEMA), newest(PACKED)))) {
  // Generating needs no schema engine, but Prisma would download one unless this variable names an existing file.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, ...process.env };
  execFileSync('npx', ['prisma', 'generate'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}
