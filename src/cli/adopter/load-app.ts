// Loads the file named by `--app` and finds the application's Hookgraph among its exports.
import { existsSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Hookgraph } from '../../index.js';
import { RuntimeError } from '../../runtime/runtime-error.js';

/** Loads the file. @throws RuntimeError with a hint when the file is missing, can't be loaded or exports no Hookgraph */
export async function loadApp(path: string): Promise<Hookgraph> {
  const file = resolve(path);
  await access(file).catch(() => {
    throw new RuntimeError(
      'APP_NOT_FOUND',
      `--app names ${path}, but this file does not exist`,
      'Pass the file that calls createHookgraph().',
    );
  });
  const module = await load(file);
  const found = Object.values(module).filter(isHookgraph);
  if (found[0]) return found[0];
  throw new RuntimeError(
    'APP_WITHOUT_HOOKGRAPH',
    `${path} does not export a Hookgraph`,
    'Export the result of createHookgraph(): `export const hooks = createHookgraph({ … })`.',
  );
}

async function load(file: string): Promise<Record<string, unknown>> {
  const { href } = pathToFileURL(file);
  if (/\.[cm]?tsx?$/.test(file)) await registerTypeScript(file);
  const module: Record<string, unknown> = await import(href).catch((cause: NodeJS.ErrnoException) => {
    const missing = /^Cannot find module '(.+\.[cm]?)js'/.exec(cause.message)?.[1];
    if (cause.code !== 'ERR_MODULE_NOT_FOUND' || missing === undefined || !existsSync(`${missing}ts`)) throw cause;
    throw withoutTsx(`Node ${process.versions.node} finds no TypeScript file by the name ${missing}js`, cause);
  });
  // import() returns all exports of a CommonJS module in `default`.
  const { default: only } = module;
  return typeof only === 'object' && only !== null && !isHookgraph(only) ? { ...module, ...only } : module;
}

async function registerTypeScript(file: string): Promise<void> {
  const loader = await findTypeScriptLoader(file, 'esm/api', 'dist/esm/api/index.mjs');
  if (loader === null) return;
  // Loads the package before tsx takes over, because each module that passes through tsx's thread takes twice as long.
  await import('../../index.js');
  const { register } = (await import(loader)) as { register(): void };
  register();
}

/**
 * Returns the file URL of a module of the application's tsx package, with which Node can load TypeScript; `null` when the
 * application has no tsx, but Node runs TypeScript itself (from 22.18). Prefers tsx, because Node doesn't find `./schema.ts`
 * by the name `./schema.js`, which TypeScript demands.
 * @param entry the module's path in the `exports` of tsx
 * @param usual the module's file, for a tsx whose `exports` lack this path
 * @throws RuntimeError `APP_IS_TYPESCRIPT` when the application has no tsx
 */
export async function findTypeScriptLoader(file: string, entry = '.', usual = 'dist/loader.mjs'): Promise<string | null> {
  const { resolve: find } = createRequire(file);
  let manifest: string;
  try {
    manifest = find('tsx/package.json');
  } catch (cause) {
    if ((process.features as { typescript?: unknown }).typescript) return null;
    throw withoutTsx(`Node ${process.versions.node} can't run the TypeScript file ${file}`, cause);
  }
  // Reads the `import` entry of tsx's package.json, because require.resolve() finds the `require` entry, which doesn't
  // register an ESM loader.
  const { exports } = JSON.parse(await readFile(manifest, 'utf8')) as { exports: Record<string, string | { import: { default: string } }> };
  const found = exports[entry === '.' ? '.' : `./${entry}`];
  const path = typeof found === 'string' ? found : (found?.import.default ?? usual);
  return pathToFileURL(join(dirname(manifest), path)).href;
}

function withoutTsx(message: string, cause: unknown): RuntimeError {
  const hint = 'Install tsx (`npm install --save-dev tsx`), or pass the compiled file.';
  return new RuntimeError('APP_IS_TYPESCRIPT', message, hint, { cause });
}

const VERBS = ['migrate', 'check', 'work', 'handler', 'close'] as const;

function isHookgraph(value: unknown): value is Hookgraph {
  return (
    typeof value === 'object' && value !== null && VERBS.every((verb) => typeof (value as Record<string, unknown>)[verb] === 'function')
  );
}
