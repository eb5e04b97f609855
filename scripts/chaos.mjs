// `npm run chaos [-- --help]`: prepares the checkout as `npm start` does, then breaks the running product and checks its history.
import { spawn } from 'node:child_process';
import { prepare, ROOT } from './prepare.mjs';

await prepare();
const child = spawn(process.execPath, ['--import', 'tsx', 'test/chaos/run.ts', ...process.argv.slice(2)], { cwd: ROOT, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
