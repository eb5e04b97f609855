// Installs, generates and builds a checkout, skipping each step whose sources are unchanged. Needs only Node and npm.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const at = (...path) => join(ROOT, ...path);

/** The files and folders that building needs. */
export const BUILT = [
  'package.json',
  'package-lock.json',
  'schema.graphql',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.console.json',
  'prisma.config.nodes.ts',
  'scripts',
  'prisma',
  'src',
];

/**
 * Installs the dependencies, generates the sample's Prisma client, and builds dist. Returns the URL of the bundled command
 * line: of this checkout or, where it can't be written, of a copy in HOOKGRAPH_DATA_DIR.
 */
export async function prepare() {
  requireNode();
  const hash = hashOf('src', 'prisma', 'package.json', 'package-lock.json', 'scripts/bundle.mjs', 'tsconfig.json', 'tsconfig.build.json');
  const main = pathToFileURL(at('dist/product/main.mjs')).href;
  const consoleHash = hashOf('src/console', 'scripts/build-console.mjs', 'package-lock.json');
  const isReady = isInstalled() && isGenerated() && isFresh('dist', hash) && isFresh('dist/console', consoleHash);
  if (isReady) return main;
  if (!isWritable()) return prepareCopy(createHash('sha256').update(hash).update(consoleHash).digest('hex'));
  if (!isInstalled())
    await step('Installing dependencies', npm('ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'));
  await generate();
  if (!isFresh('dist', hash)) {
    for (const name of existsSync(at('dist')) ? readdirSync(at('dist')) : [])
      if (name !== 'console') rmSync(at('dist', name), { recursive: true, force: true });
    await step('Building', [process.execPath, 'node_modules/typescript-native/bin/tsc', '-p', 'tsconfig.build.json']);
    copyStatements();
    declareForCommonJs();
    // Imported late, because a package that bundle.mjs imports may just have been installed.
    await (await import('./bundle.mjs')).bundleProduct(ROOT);
    stamp('dist', hash);
  }
  if (!isFresh('dist/console', consoleHash)) {
    await step('Building the console', [process.execPath, 'scripts/build-console.mjs']);
    stamp('dist/console', consoleHash);
  }
  return main;
}

function isWritable() {
  try {
    accessSync(ROOT, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Copies the checkout into HOOKGRAPH_DATA_DIR, uses the packages that are installed here, and prepares the copy. */
async function prepareCopy(hash) {
  if (!process.env.HOOKGRAPH_DATA_DIR) {
    console.error(
      `Hookgraph is not built yet, and ${ROOT} can't be written.\nSet HOOKGRAPH_DATA_DIR to a folder of yours: it is built there.`,
    );
    process.exit(1);
  }
  const copy = join(resolve(process.env.HOOKGRAPH_DATA_DIR), 'checkout');
  const copied = join(copy, '.copied');
  if (!existsSync(copied) || readFileSync(copied, 'utf8') !== hash) {
    for (const name of [...BUILT, 'node_modules']) rmSync(join(copy, name), { recursive: true, force: true });
    mkdirSync(copy, { recursive: true });
    for (const name of BUILT) cpSync(at(name), join(copy, name), { recursive: true });
    for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true }))
      if (entry.isDirectory()) chmodSync(join(entry.parentPath ?? entry.path, entry.name), 0o755);
    if (isInstalled()) symlinkSync(at('node_modules'), join(copy, 'node_modules'));
    writeFileSync(copied, hash);
  }
  return (await import(pathToFileURL(join(copy, 'scripts/prepare.mjs')).href)).prepare();
}

/** Copies the .sql files, which src/runtime/sql-file.ts reads at run time, to the same paths in dist. */
export function copyStatements() {
  for (const file of readdirSync(at('src'), { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.sql')) cpSync(at('src', file), at('dist', file));
}

/**
 * Copies the declarations for CommonJS. TypeScript's module option `node16` needs them in code that loads this package by
 * `require()`.
 */
function declareForCommonJs() {
  for (const file of readdirSync(at('dist'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.d\.m?ts$/.test(file) || /^(sample|generated|api|cli)\//.test(file)) continue;
    const copy = at('dist/commonjs', file);
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(at('dist', file), copy);
  }
  writeFileSync(at('dist/commonjs/package.json'), '{ "type": "commonjs" }\n');
}

/**
 * Generates in src/generated the sample's Prisma client and Pothos types, and the types of the console's operations. `force`: generates
 * even if the schema is unchanged.
 */
export async function generate({ force = false } = {}) {
  await (await import('./console-types.mjs')).writeConsoleTypes();
  if (!force && isGenerated()) return;
  // Generating needs no schema engine, but Prisma would download one unless this variable names an existing file.
  const env = { ...ownEnvironment(), PRISMA_SCHEMA_ENGINE_BINARY: at('scripts/schema-engine.mjs'), PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  const prisma = [process.execPath, 'node_modules/prisma/build/index.js', 'generate', '--config', 'prisma.config.nodes.ts'];
  // Prisma finds its generators through the PATH, as npm scripts do.
  env.PATH = `${at('node_modules/.bin')}${process.platform === 'win32' ? ';' : ':'}${env.PATH}`;
  await step('Generating the Prisma client', prisma, env);
  stamp('src/generated', hashOfSchema());
}

const hashOfSchema = () =>
  hashOf('prisma/nodes/schema.prisma', 'src/sources/prisma/generator.ts', 'src/sources/prisma/write-models.ts', 'package-lock.json');

const isGenerated = () => isFresh('src/generated', hashOfSchema());

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${process.versions.node} is too old: Hookgraph needs 20.19 or newer.`);
  process.exit(1);
}

// Returns whether npm's record of the installed packages matches the lockfile.
function isInstalled() {
  if (!existsSync(at('node_modules/.package-lock.json'))) return false;
  const packagesOf = (path) => JSON.parse(readFileSync(at(path), 'utf8')).packages;
  const installed = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(([path, locked]) => {
    if (path === '') return true;
    const found = installed[path];
    return found
      ? found.version === locked.version && found.integrity === locked.integrity
      : Boolean(locked.optional || locked.devOptional);
  });
}

function hashOf(...paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    if (path.endsWith('src/generated') || (path === at('src/console') && !paths.includes('src/console'))) return;
    if (path.endsWith('.md')) return;
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.isDirectory()) add(join(path, entry.name));
      else
        hash
          .update(join(path, entry.name).slice(ROOT.length))
          .update('\0')
          .update(readFileSync(join(path, entry.name)));
    }
  };
  for (const path of paths) {
    if (['src', 'src/console', 'prisma'].includes(path)) add(at(path));
    else
      hash
        .update(path)
        .update('\0')
        .update(readFileSync(at(path)));
  }
  return hash.digest('hex');
}

function isFresh(dir, hash) {
  return existsSync(at(dir, '.stamp')) && readFileSync(at(dir, '.stamp'), 'utf8') === hash;
}

function stamp(dir, hash) {
  mkdirSync(at(dir), { recursive: true });
  writeFileSync(at(dir, '.stamp'), hash);
}

function npm(...args) {
  // npm passes its own path to the scripts that it runs; without that variable, npm is found through the PATH.
  return process.env.npm_execpath ? [process.execPath, process.env.npm_execpath, ...args] : ['npm', ...args];
}

/** Returns the environment without Hookgraph's keys, tokens and database, because installed packages run scripts. npm needs the rest. */
function ownEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HOOKGRAPH_|DATABASE_URL$|PG[A-Z])/.test(name)));
}

/** Runs a command; always prints its duration, and prints its output when it fails. */
function step(title, [command, ...args], env = ownEnvironment()) {
  const startedAt = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  console.log(`${title} …`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command === 'npm' && process.platform === 'win32',
    });
    const beat = setInterval(() => console.log(`${title} … ${seconds()}`), 5000);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    const end = (problem) => {
      clearInterval(beat);
      if (problem === null) {
        console.log(`${title} … done in ${seconds()}`);
        resolve();
        return;
      }
      console.error(`${output}\n${title} failed: ${problem}`);
      process.exit(1);
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(code === 0 ? null : (signal ?? `exit code ${code}`)));
  });
}
