// Finds files of the package that aren't modules, such as migrations, even if a bundler has moved the code.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { RuntimeError } from './runtime-error.js';

/**
 * Returns the absolute path of a file of the package.
 * @param from `import.meta.url` of the caller; `undefined` in a CommonJS bundle
 * @param relative the file's path, relative to the caller
 * @param inPackage the file's path in the installed package
 * @throws RuntimeError `FILES_MISSING` when a bundle has no installed package beside it
 */
export function packageFile(from: string | undefined, relative: string, inPackage: string): string {
  const base = from ?? pathToFileURL(process.argv[1] ?? join(process.cwd(), 'bundle.js')).href;
  const beside = fileURLToPath(new URL(relative, base));
  // In a bundle, a file at this relative path may belong to the application, so it is used only inside this package.
  if (isInPackage(dirname(fileURLToPath(base))) && existsSync(beside)) return beside;
  const installed = join(installedRoot(base) ?? '', inPackage);
  if (existsSync(installed)) return installed;
  throw new RuntimeError(
    'FILES_MISSING',
    `The file ${inPackage} of the package hookgraph was not found`,
    'Exclude the package from your bundle (esbuild: `--external:hookgraph`) and keep it in node_modules.',
  );
}

/** Whether the folder belongs to the package `hookgraph`, by the nearest package.json. */
function isInPackage(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, 'utf8')).name === 'hookgraph';
  return dirname(folder) !== folder && isInPackage(dirname(folder));
}

function installedRoot(base: string): string | null {
  try {
    return dirname(createRequire(base).resolve('hookgraph/package.json'));
  } catch {
    return null;
  }
}
