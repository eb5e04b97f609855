// Starts the shop: its database, its API merged with Hookgraph's, a worker, and a receiver that prints what arrives.
import { createServer } from 'node:http';
import { prepareDatabase } from '../database.mjs';
import { startReceiver } from '../receiver.mjs';

const file = (path: string) => new URL(path, import.meta.url);
const stopDatabase = await prepareDatabase(file('prisma/migrations/20260901000000_shop/migration.sql'), file('prisma/seed.sql'));
const { hooks } = await import('./hookgraph.js');
const { prisma, yoga } = await import('./api.js');
await hooks.migrate();
const worker = await hooks.work();
const receiver = await startReceiver({ port: Number(process.env.RECEIVER_PORT ?? 4203), print: true });
const server = createServer(yoga).listen(Number(process.env.PORT ?? 4103), () => {
  const { port } = server.address() as { port: number };
  console.log(`The API is at http://localhost:${port}/api, for the header "x-api-key: key-of-ada".`);
  console.log(`What ${receiver.url} receives is printed here. README.md has two commands to try it.`);
});

process.once('SIGTERM', stop).once('SIGINT', stop);
async function stop() {
  server.close();
  await worker.stop();
  await hooks.close();
  await prisma.$disconnect();
  await receiver.close();
  await stopDatabase();
}
