import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Exchange } from '../../../../src/webhooks/base/model.js';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { type Destination, MAX_RESPONSE_BYTES } from '../../../../src/webhooks/destinations/destination.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function receiver(
  answer: (response: ServerResponse, path: string, body: string) => void,
): Promise<{ origin: string; paths: string[]; server: Server }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      paths.push(request.url ?? '');
      answer(response, request.url ?? '', body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths, server };
}

function destination(allowed = LOOPBACK, deadlineMs?: number): Destination<Exchange> {
  const one = openHttpsDestination(createGuard({ allowedNetworks: allowed }), deadlineMs);
  open.push(one);
  return one;
}

const post = (origin: string, path = '/hook?x=1'): Exchange => ({
  url: `${origin}${path}`,
  origin,
  headers: { 'x-a': 'b' },
  body: Buffer.from('{"é":1}'),
});

describe('the https destination', () => {
  it('posts the body and answers status, headers, body and timings', async () => {
    const { origin, paths } = await receiver((response, _path, body) => response.writeHead(201, { 'X-Echo': body.length }).end(body));
    const reply = await destination().send(post(origin));
    expect(reply).toMatchObject({ kind: 'REPLY', status: 201, body: '{"é":1}', headers: { 'x-echo': '7' } });
    expect(paths).toEqual(['/hook?x=1']);
  });

  it('never follows a redirect', async () => {
    const { origin, paths } = await receiver((response) => response.writeHead(302, { location: '/elsewhere' }).end());
    expect(await destination().send(post(origin))).toMatchObject({ kind: 'REPLY', status: 302 });
    expect(paths).toHaveLength(1);
  });

  it('reads at most 64 KiB of an answer, however long it is', async () => {
    const { origin } = await receiver((response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const reply = await destination().send(post(origin));
    expect(reply).toMatchObject({ kind: 'REPLY', status: 200 });
    expect(reply.kind === 'REPLY' && reply.body.length).toBe(MAX_RESPONSE_BYTES);
  });

  it.each([
    ['never answers', () => {}],
    ['sends its head and then nothing', (response: ServerResponse) => void response.writeHead(200).write('a')],
    [
      'drips for ever',
      (response: ServerResponse) => {
        const timer = setInterval(() => response.write('a'), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('ends the whole exchange at the deadline when the receiver %s', async (_, answer) => {
    const { origin } = await receiver(answer);
    const started = performance.now();
    expect(await destination(LOOPBACK, 300).send(post(origin))).toMatchObject({ kind: 'NO_REPLY', stage: 'TIMEOUT' });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('tells a connection that fails', async () => {
    const { origin, server } = await receiver(() => {});
    await new Promise((resolve) => server.close(resolve));
    expect(await destination().send(post(origin))).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'CONNECT',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://localhost',
    'http://0.0.0.0',
  ])('refuses to connect to %s outside the allowed networks', async (host) => {
    const { origin, paths } = await receiver((response) => response.end());
    const { href } = new URL(`${host}:${new URL(origin).port}/`);
    const target = new URL(href).origin;
    expect(await destination([]).send(post(target))).toMatchObject({ kind: 'NO_REPLY', stage: 'ADDRESS' });
    expect(paths).toEqual([]);
  });

  it('uses one connection for many requests, and sends once more when the receiver closed it meanwhile', async () => {
    const sockets: Socket[] = [];
    let answered = 0;
    const tcp = createTcpServer((socket) => {
      sockets.push(socket);
      let first = true;
      socket.on('data', () => {
        // The first request of each connection is answered; at the second the connection breaks.
        if (!first) return socket.destroy();
        first = false;
        answered += 1;
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n');
      });
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => new Promise<void>((resolve) => tcp.close(() => resolve())) });
    const origin = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
    const one = destination();
    expect(await one.send(post(origin))).toMatchObject({ status: 200 });
    expect(await one.send(post(origin))).toMatchObject({ status: 200 });
    expect({ connections: sockets.length, answered }).toEqual({ connections: 2, answered: 2 });
    for (const socket of sockets) socket.destroy();
  });

  it('takes an answer that breaks off for a failure, and asks nobody again', async () => {
    const sockets: Socket[] = [];
    let asked = 0;
    const tcp = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', () => {
        asked += 1;
        if (asked === 2) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok');
      });
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => new Promise<void>((resolve) => tcp.close(() => resolve())) });
    const origin = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
    const one = destination();
    expect(await one.send(post(origin))).toMatchObject({ status: 200, body: 'ok' });
    expect(await one.send(post(origin))).toMatchObject({ kind: 'NO_REPLY', stage: 'CONNECT' });
    expect(asked).toBe(2);
    for (const socket of sockets) socket.destroy();
  });
});
