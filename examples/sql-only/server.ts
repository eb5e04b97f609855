// Starts the warehouse: its database, Hookgraph's API and a worker.
import { createServer } from 'node:http';
import { createServerAdapter } from '@whatwg-node/server';
import { prepareDatabase } from '../database.mjs';

const stopDatabase = await prepareDatabase(new URL('tables.sql', import.meta.url));
const { hooks, pool } = await import('./hookgraph.js');
await hooks.migrate();
const working = await hooks.work();
const server = createServer(createServerAdapter(hooks.handler)).listen(Number(process.env.PORT ?? 4100), () => {
  console.log(`Ask http://localhost:${(server.address() as { port: number }).port}/graphql with "Authorization: Bearer key-of-ada".`);
});

process.once('SIGTERM', stop).once('SIGINT', stop);
async function stop() {
  server.close();
  await working.stop();
  await hooks.close();
  await pool.end();
  await stopDatabase();
}
