// Starts the helpdesk: its database, its API with Hookgraph's in it, and a worker.
import { createServer } from 'node:http';
import { createYoga } from 'graphql-yoga';
import { prepareDatabase } from '../database.mjs';

const stopDatabase = await prepareDatabase(new URL('tables.sql', import.meta.url));
const { contextOf, hooks, pool } = await import('./hookgraph.js');
await hooks.migrate();
const worker = await hooks.work();
const yoga = createYoga({ schema: hooks.schema, context: ({ request }) => contextOf(request) });
const server = createServer(yoga).listen(Number(process.env.PORT ?? 4101), () => {
  console.log(`Ask http://localhost:${(server.address() as { port: number }).port}/graphql with "Authorization: Bearer token-of-ada".`);
});

process.once('SIGTERM', stop).once('SIGINT', stop);
async function stop() {
  server.close();
  await worker.stop();
  await hooks.close();
  await pool.end();
  await stopDatabase();
}
