// `npm run demo`: nothing in, the guide's example told from start to end out.
import { prepare } from './prepare.mjs';

await prepare();
process.argv.splice(2, Number.POSITIVE_INFINITY, 'demo', ...process.argv.slice(2));
await import('../dist/cli/main.js');
