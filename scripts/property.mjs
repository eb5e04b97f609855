// `npm run property [-- --runs 200 --seed 7]`: prepares the checkout as `npm start` does, then drives the engine with random steps and
// checks its history after each list of steps.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { prepare, ROOT } from './prepare.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) } },
});
await prepare();
console.log(`npm run property -- --runs ${values.runs} --seed ${values.seed}`);
const args = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=0', 'test/books'];
const env = { ...process.env, PROPERTY_RUNS: values.runs, PROPERTY_SEED: values.seed };
const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
