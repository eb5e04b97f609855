// Runs the embedded Postgres of the folder in argv, prints its URL and waits to be killed, for tests that kill it.
import { startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';

const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] as string, settings: { fsync: 'off' } });
console.log(postgres.url);
process.on('SIGTERM', () => void postgres.stop());
await postgres.exited;
