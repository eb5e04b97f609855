// `npm run demo`: prepares the checkout and runs `hookgraph demo`, a tour of the product that prints each step.
import { prepare } from './prepare.mjs';

const main = await prepare();
process.argv.splice(2, Number.POSITIVE_INFINITY, 'demo', ...process.argv.slice(2));
await import(main);
