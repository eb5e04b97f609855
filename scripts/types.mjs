// `npm run types`: checks the types of the server and of the console, whose operations are typed by the API's schema.
import { spawnSync } from 'node:child_process';
import { writeConsoleTypes } from './console-types.mjs';
import { ROOT } from './prepare.mjs';

await writeConsoleTypes();
const TSC = 'node_modules/typescript-native/bin/tsc';
const results = ['tsconfig.json', 'tsconfig.console.json'].map((project) =>
  spawnSync(process.execPath, [TSC, '--noEmit', '-p', project], { cwd: ROOT, stdio: 'inherit' }),
);
process.exitCode = results.every(({ status }) => status === 0) ? 0 : 1;
