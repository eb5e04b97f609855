// Tests unusual answers of real receivers with a real worker: answers that HTTP permits count as delivered, and others get a reason.
import { createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attemptsOf, recorded } from '../support/attempts.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

const gzipped = gzipSync('{"error": "no such user"}');
const ANSWERS: Record<string, (string | Buffer)[]> = {
  '/continue': ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  '/headers': [`HTTP/1.1 200 OK\r\nX-Long: ${'a'.repeat(20_000)}\r\nContent-Length: 2\r\n\r\nok`],
  '/gzip': [`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${gzipped.length}\r\n\r\n`, gzipped],
  '/plain': ['HTTP/1.1 200 OK\r\nContent-Encoding: UTF-8\r\nContent-Length: 12\r\n\r\n{"ok": true}'],
  '/cut': ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
  '/lengths': ['HTTP/1.1 201 Created\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok'],
};
const sockets: Socket[] = [];
const server = createServer((socket) => {
  sockets.push(socket);
  let read = '';
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      read += chunk.toString();
      if (!read.endsWith('}')) return;
      for (const part of ANSWERS[read.split(' ')[1] ?? ''] ?? []) socket.write(part);
      socket.end();
    });
});

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await world.work();
});
afterAll(async () => {
  await world.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

it('each of them is recorded as what it is', async () => {
  const { port } = server.address() as { port: number };
  const errorTemplate = '{{ body.error }}';
  const cases = [
    { path: '/continue', expected: { outcome: 'DELIVERED', status: 200, message: null } },
    { path: '/headers', expected: { outcome: 'DELIVERED', status: 200, message: null } },
    { path: '/gzip', expected: { outcome: 'DELIVERED', status: 200, message: null } },
    { path: '/gzip', errorTemplate, expected: { outcome: 'FAILED', stage: 'ERROR_TEMPLATE', message: 'no such user' } },
    { path: '/plain', errorTemplate, expected: { outcome: 'DELIVERED', status: 200, message: null } },
    { path: '/cut', expected: { outcome: 'DELIVERED', status: 200, message: 'The connection ended in the middle of the body.' } },
    {
      path: '/cut',
      errorTemplate,
      expected: {
        outcome: 'FAILED',
        stage: 'ANSWER',
        status: 200,
        message: 'The receiver answered with status 200. The connection ended in the middle of the body.',
      },
    },
    {
      path: '/lengths',
      expected: {
        outcome: 'FAILED',
        stage: 'ANSWER',
        status: 201,
        message: "The receiver's answer with status 201 has several different values of Content-Length.",
      },
    },
  ];
  const ids: string[] = [];
  for (const { path, errorTemplate: template } of cases)
    ids.push(await world.subscribe({ callbackUrl: `http://127.0.0.1:${port}${path}`, ...(template && { errorTemplate: template }) }));
  await world.insertThings('one');
  const attempts = await Promise.all(
    ids.map((id) => until('the attempt is recorded', async () => (await attemptsOf(world.db.pool, id))[0])),
  );
  expect(attempts).toMatchObject(cases.map(({ expected }) => expected));
  const [attempt] = await recorded(world.db.pool, 'a.subscription_id = $1', ids[2]);
  expect(attempt?.response?.body).toBe('{"error": "no such user"}');
});
