// Executes one GraphQL document for each person, 100 at a time, through a plain Prisma client. Sends and stores no results.
import { loop } from './loop.js';
import { openQuery } from './stored.js';

await loop(openQuery);
process.exit();
