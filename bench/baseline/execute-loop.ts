// Executes one document for one person after the other, 100 at a time, over a plain Prisma client; sends and stores nothing.
import { loop } from './loop.js';
import { openQuery } from './stored.js';

await loop(openQuery);
process.exit();
