// `npm test [-- filters and options of vitest]`: prepares the checkout as `npm start` does, then runs the tests.
import { prepare } from './prepare.mjs';

await prepare();
process.argv.splice(2, Number.POSITIVE_INFINITY, 'run', ...process.argv.slice(2));
await import('../node_modules/vitest/vitest.mjs');
