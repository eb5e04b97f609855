// `npm run screenshots [-- folder]`: writes a picture of every page of the console, in light, dark and at 390 px.
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { prepare } from './prepare.mjs';

await prepare();
const folder = resolve(process.argv[2] ?? join(tmpdir(), 'hookgraph-screenshots'));
process.env.HOOKGRAPH_SCREENSHOTS = folder;
console.log(`The pictures are in ${folder}`);
process.argv.splice(2, Number.POSITIVE_INFINITY, 'run', 'test/console/every-page.test.ts');
await import('../node_modules/vitest/vitest.mjs');
