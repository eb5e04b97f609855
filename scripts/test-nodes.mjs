// `npm run test:nodes [-- 24,26 filters and options of vitest]`: runs the type check and the tests on other versions of Node,
// which npm has as packages. Without versions: 20, 24 and 26.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { prepare, ROOT } from './prepare.mjs';

const [first = '', ...others] = process.argv.slice(2);
const isList = /^\d+(,\d+)*$/.test(first);
const versions = isList ? first.split(',') : ['20', '24', '26'];
const filters = isList ? others : process.argv.slice(2);

await prepare();
const failed = versions.filter((version) => !passes(version));
console.log(failed.length === 0 ? `\nPassed on Node ${versions.join(', ')}.` : `\nFailed on Node ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;

function passes(version) {
  const bin = binaryFolder(version);
  if (bin === null) return false;
  const node = join(bin, process.platform === 'win32' ? 'node.exe' : 'node');
  console.log(`\n== Node ${version}`);
  // Programs that tests start by the name `node` run on this version, too.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const steps = [
    ['node_modules/typescript-native/bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
    ['node_modules/vitest/vitest.mjs', 'run', ...filters],
  ];
  return steps.every((step) => spawnSync(node, step, { cwd: ROOT, env, stdio: 'inherit' }).status === 0);
}

/** Installs a version, unless it is installed, and returns the folder of its binary; `null` when npm can't install it. */
function binaryFolder(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const dir = join(ROOT, 'node_modules/.cache/nodes', version);
  const bin = join(dir, 'node_modules', name, 'bin');
  if (existsSync(bin)) return bin;
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = [
    ...npm.slice(1),
    'install',
    '--prefix',
    dir,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `${name}@${version}`,
  ];
  const { status } = spawnSync(npm[0], args, { stdio: 'inherit' });
  if (status === 0 && existsSync(bin)) return bin;
  console.error(`npm can't install ${name}@${version}.`);
  return null;
}
