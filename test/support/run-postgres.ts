// A program for tests that kill: runs the embedded Postgres of the folder in argv, prints its URL, waits to be ended.
import { startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';

const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] as string, settings: { fsync: 'off' } });
console.log(postgres.url);
process.on('SIGTERM', () => void postgres.stop());
await postgres.exited;
