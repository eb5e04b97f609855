// Promise: when a kept connection breaks during a request, the attempt says so and is no error, and the retry follows at once on a new
// connection.
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
  await world.work();
});
afterAll(() => world.close());

it('a receiver that reads the second request of a connection and closes gets it again as a second attempt', async () => {
  const jobs: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let count = 0;
    let read = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      read += chunk.toString();
      if (!read.endsWith('}')) return;
      jobs.push(/^x-scope-webhook-job-id: (\S+)/im.exec(read)?.[1] ?? '');
      read = '';
      count += 1;
      if (count > 1) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const id = await world.subscribe({ callbackUrl: `http://127.0.0.1:${port}/hook` });
  const delivered = (count: number) =>
    until(`${count} deliveries are delivered`, async () => {
      const { rows } = await world.db.pool.query(
        `SELECT count(*)::int AS count FROM hookgraph.deliveries WHERE subscription_id = $1 AND state = 'DELIVERED'`,
        [id],
      );
      return rows[0].count === count;
    });
  await world.insertThings('first');
  await delivered(1);
  await world.insertThings('second');
  // The retry follows at once; the usual first retry would come after 15 seconds or more.
  await delivered(2);
  const { rows } = await world.db.pool.query(
    `SELECT delivery_id AS job, number, outcome, stage, message, counted FROM hookgraph.attempts WHERE subscription_id = $1 ORDER BY id`,
    [id],
  );
  const [first, second, third] = rows;
  expect(rows).toEqual([
    { ...first, number: 1, outcome: 'DELIVERED', counted: true },
    {
      job: second.job,
      number: 1,
      outcome: 'FAILED',
      stage: 'CONNECT',
      message: 'The receiver closed a reused connection before it responded. It may have read the request.',
      counted: false,
    },
    { ...third, job: second.job, number: 2, outcome: 'DELIVERED' },
  ]);
  expect(jobs).toEqual(rows.map(({ job }) => job));
  for (const socket of sockets) socket.destroy();
  server.close();
});
