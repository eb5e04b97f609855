// `npm run demo`: runs the guide's example from start to end and prints each step.
import { prepare } from './prepare.mjs';

await prepare();
process.argv.splice(2, Number.POSITIVE_INFINITY, 'demo', ...process.argv.slice(2));
await import('../dist/cli/main.js');
