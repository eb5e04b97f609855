// Mounts the handler of examples/sql-only in Fastify.
import Fastify from 'fastify';
import { prepareDatabase } from '../database.mjs';

const stopDatabase = await prepareDatabase(new URL('../sql-only/tables.sql', import.meta.url));
const { hooks, pool } = await import('../sql-only/hookgraph.js');
await hooks.migrate();

export const app = Fastify();
// Passes the body as text, because the handler parses it itself.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
app.route({
  url: '/graphql',
  method: ['GET', 'POST'],
  handler: async ({ url, method, headers, body }, reply) => {
    const request = new Request(new URL(url, 'http://localhost'), {
      method,
      headers: headers as Record<string, string>,
      body: body as string,
    });
    return reply.send(await hooks.handler(request));
  },
});

process.once('SIGTERM', stop).once('SIGINT', stop);
export async function stop() {
  await app.close();
  await hooks.close();
  await pool.end();
  await stopDatabase();
}

console.log(
  `GraphQL is at ${await app.listen({ port: Number(process.env.PORT ?? 4102) })}/graphql, for the header "Authorization: Bearer key-of-ada".`,
);
