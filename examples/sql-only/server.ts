// Starts the warehouse: its database, Hookgraph's API and a worker.
import { createServer } from 'node:http';
import { createServerAdapter } from '@whatwg-node/server';
import { prepareDatabase } from '../database.mjs';
import { startReceiver } from '../receiver.mjs';

const stopDatabase = await prepareDatabase(new URL('tables.sql', import.meta.url));
const { hooks, pool } = await import('./hookgraph.js');
await hooks.migrate();
const working = await hooks.work();
const receiver = await startReceiver({ port: Number(process.env.RECEIVER_PORT ?? 4200), print: true });
const server = createServer(createServerAdapter(hooks.handler)).listen(Number(process.env.PORT ?? 4100), () => {
  const { port } = server.address() as { port: number };
  console.log(`The API is at http://localhost:${port}/graphql, for the header "Authorization: Bearer key-of-ada".`);
  console.log(`Write rows with psql ${process.env.DATABASE_URL}`);
  console.log(`What ${receiver.url} receives is printed here. ../README.md has two commands to try it.`);
});

process.once('SIGTERM', stop).once('SIGINT', stop);
async function stop() {
  server.close();
  await working.stop();
  await hooks.close();
  await pool.end();
  await receiver.close();
  await stopDatabase();
}
