// Starts the helpdesk: its database, its API merged with Hookgraph's, and a worker.
import { createServer } from 'node:http';
import { createYoga } from 'graphql-yoga';
import { prepareDatabase } from '../database.mjs';
import { startReceiver } from '../receiver.mjs';

const stopDatabase = await prepareDatabase(new URL('tables.sql', import.meta.url));
const { contextOf, hooks, pool } = await import('./hookgraph.js');
await hooks.migrate();
const worker = await hooks.work();
const yoga = createYoga({ schema: hooks.schema, context: ({ request }) => contextOf(request) });
const receiver = await startReceiver({ port: Number(process.env.RECEIVER_PORT ?? 4201), print: true });
const server = createServer(yoga).listen(Number(process.env.PORT ?? 4101), () => {
  const { port } = server.address() as { port: number };
  console.log(`The API is at http://localhost:${port}/graphql, for the header "Authorization: Bearer token-of-ada".`);
  console.log(`What ${receiver.url} receives is printed here. ../README.md has two commands to try it.`);
});

process.once('SIGTERM', stop).once('SIGINT', stop);
async function stop() {
  server.close();
  await worker.stop();
  await hooks.close();
  await pool.end();
  await receiver.close();
  await stopDatabase();
}
