// `npm run check`: runs every check that must pass before a commit, then lists the failed ones.
import { spawnSync } from 'node:child_process';
import { prepare, ROOT } from './prepare.mjs';

const CHECKS = [
  ['format and lint', 'lint'],
  ['types', 'types'],
  ['architecture', 'architecture'],
  ['dead code', 'dead-code'],
  ['prose', 'prose'],
  ['schema.graphql', 'schema:check'],
  ['docs/reference.md', 'docs:check'],
  ['migrations', 'drift'],
  ['vulnerable dependencies', 'audit'],
  ['tests', 'test'],
];

await prepare();
const failed = [];
for (const [title, script] of CHECKS) {
  console.log(`\n== ${title} (npm run ${script})`);
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const { status } = spawnSync(npm[0], [...npm.slice(1), 'run', '--silent', script], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) failed.push(title);
}
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
