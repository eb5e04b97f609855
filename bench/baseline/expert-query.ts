// Runs the expert baseline with a stored query: executes a cached document for each job, and Prisma batches the reads of one tick.
import { pool, runExpert } from './expert-worker.js';
import { openQuery } from './stored.js';

await runExpert(await openQuery(process.env.DATABASE_URL ?? '', pool));
