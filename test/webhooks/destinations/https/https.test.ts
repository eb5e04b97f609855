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

/** Starts a TCP server that calls `answer` for each request it has read, with the number of requests of that connection. */
async function rawReceiver(answer: (socket: Socket, count: number) => unknown) {
  const sockets: Socket[] = [];
  const requests: string[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    let count = 0;
    let read = '';
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        read += chunk.toString();
        if (!read.endsWith('}')) return;
        requests.push(read.split(' ')[1] ?? '');
        read = '';
        count += 1;
        answer(socket, count);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, sockets };
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

  it('ends the whole exchange at the deadline when the receiver never answers', async () => {
    const { origin } = await receiver(() => {});
    expect(await destination(LOOPBACK, 300).send(post(origin))).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'TIMEOUT',
      message: 'No complete answer within 0.3 seconds.',
    });
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

  it.each<[string, (socket: Socket) => void]>([
    ['closed', (socket) => socket.end()],
    ['destroyed', (socket) => socket.destroy()],
    ['reset', (socket) => socket.resetAndDestroy()],
    ['given up by 408', (socket) => socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n<h1>408</h1>')],
  ])('sends a request once, says so when the kept connection is %s instead of answered, and takes a new one next', async (_, breakOff) => {
    const { origin, requests, sockets } = await rawReceiver((socket, count) => {
      // The first request of each connection is answered. At the second request the connection breaks.
      if (count > 1) breakOff(socket);
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n');
    });
    const one = destination();
    expect(await one.send(post(origin, '/1'))).toMatchObject({ status: 200 });
    expect(await one.send(post(origin, '/2'))).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'CONNECT',
      unanswered: true,
      message: 'The receiver closed a reused connection before it responded. It may have read the request.',
    });
    expect(await one.send(post(origin, '/3'))).toMatchObject({ status: 200 });
    expect(requests).toEqual(['/1', '/2', '/3']);
    expect(sockets).toHaveLength(2);
  });

  it('takes no other kept connection after one has broken', async () => {
    const waiting: Socket[] = [];
    let isRestarted = false;
    const { origin, sockets } = await rawReceiver((socket) => {
      if (isRestarted && sockets.indexOf(socket) < 3) return socket.destroy();
      waiting.push(socket);
      if (!isRestarted && waiting.length < 3) return;
      for (const one of waiting.splice(0)) one.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    const one = destination();
    await Promise.all([1, 2, 3].map(() => one.send(post(origin))));
    isRestarted = true;
    expect(await one.send(post(origin))).toMatchObject({ unanswered: true });
    expect(await one.send(post(origin))).toMatchObject({ status: 200 });
  });

  it.each([
    ['new', 1, 'Connection: close'],
    ['kept', 2, 'Connection: keep-alive'],
  ])('takes a 408 for an answer on a %s connection, at its request %i with %s', async (_, at, header) => {
    const { origin } = await rawReceiver((socket, count) =>
      socket.write(`HTTP/1.1 ${count === at ? `408 Request Timeout\r\n${header}` : '200 OK'}\r\ncontent-length: 0\r\n\r\n`),
    );
    const one = destination();
    for (let count = 1; count < at; count++) expect(await one.send(post(origin))).toMatchObject({ status: 200 });
    expect(await one.send(post(origin))).toMatchObject({ kind: 'REPLY', status: 408 });
  });

  it('that is closed without an answer when it is new has failed', async () => {
    const { origin } = await rawReceiver((socket) => void socket.end());
    const failed = await destination().send(post(origin));
    expect(failed).toMatchObject({ kind: 'NO_REPLY', stage: 'CONNECT' });
    expect(failed).not.toHaveProperty('unanswered');
  });

  it('asks nobody again when an answer breaks off', async () => {
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
    expect(await one.send(post(origin))).toMatchObject({ kind: 'REPLY', status: 200, body: 'abc', flaw: expect.stringContaining('ended') });
    expect(asked).toBe(2);
    for (const socket of sockets) socket.destroy();
  });
});
