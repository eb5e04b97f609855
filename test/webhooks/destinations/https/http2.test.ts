import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Exchange } from '../../../../src/webhooks/base/model.js';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import type { Destination } from '../../../../src/webhooks/destinations/destination.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { tlsFile } from '../../../support/tls-file.js';
import { until } from '../../../support/until.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Receiver {
  origin: string;
  sessions: ServerHttp2Session[];
  /** The path of each request that the receiver processed. */
  taken: string[];
}

/** Starts a real HTTP/2 server that answers as configured; also over HTTP/1.1 if `allowHTTP1`. */
async function receiver(
  answer: (stream: ServerHttp2Stream, path: string, body: string) => void,
  { settings = {}, cert = 'receiver' as 'receiver' | 'other' } = {},
): Promise<Receiver> {
  const sessions: ServerHttp2Session[] = [];
  const taken: string[] = [];
  const server = createSecureServer({ key: tlsFile('key'), cert: tlsFile(cert), settings });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']);
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      taken.push(path);
      answer(stream, path, Buffer.concat(chunks).toString());
    });
  });
  await listen(server);
  open.push({
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
  return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, sessions, taken };
}

const listen = (server: Pick<Http2SecureServer, 'listen'>) => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));

function destination(deadlineMs?: number): Destination<Exchange> {
  const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'], caCertificates: [tlsFile('ca')] });
  const one = openHttpsDestination(guard, deadlineMs);
  open.push(guard, one);
  return one;
}

const post = (origin: string, path = '/hook?x=1'): Exchange => ({
  url: `${origin}${path}`,
  origin,
  headers: { 'X-Key': 'value', 'Content-Type': 'application/json' },
  body: Buffer.from('{"é":1}'),
});
const paths = (count: number) => Array.from({ length: count }, (_, i) => `/${i}`);
const ok = (stream: ServerHttp2Stream) => {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

describe('a receiver that offers HTTP/2', () => {
  it('gets it: method, path, headers and body, and its answer is told', async () => {
    const { origin, taken } = await receiver((stream, path, body) => {
      stream.respond({ ':status': 201, 'x-echo': `${path} ${body.length}`, 'set-cookie': ['a=1', 'b=2'] });
      stream.end(body);
    });
    const reply = await destination().send(post(origin));
    expect(reply).toMatchObject({
      kind: 'REPLY',
      status: 201,
      body: '{"é":1}',
      headers: { 'x-echo': '/hook?x=1 7', 'set-cookie': 'a=1, b=2' },
    });
    expect(reply.kind === 'REPLY' && Object.keys(reply.headers).some((name) => name.startsWith(':'))).toBe(false);
    expect(taken).toEqual(['/hook?x=1']);
  });

  it('gets many at once over one connection, and a second one only beyond what it takes', async () => {
    const held: ServerHttp2Stream[] = [];
    const { origin, sessions, taken } = await receiver((stream) => void held.push(stream));
    const one = destination();
    const replies = Promise.all(paths(150).map((path) => one.send(post(origin, path))));
    await until('all of them are there', () => taken.length === 150);
    for (const stream of held) ok(stream);
    expect((await replies).every((reply) => reply.kind === 'REPLY' && reply.status === 200)).toBe(true);
    expect(sessions).toHaveLength(2);
    expect([...taken].sort()).toEqual(paths(150).sort());
  });

  it('that takes few at a time never gets more', async () => {
    const openOf = new Map<unknown, number>();
    let most = 0;
    const { origin, taken } = await receiver(
      (stream) => {
        const count = (openOf.get(stream.session) ?? 0) + 1;
        openOf.set(stream.session, count);
        most = Math.max(most, count);
        setImmediate(() => {
          openOf.set(stream.session, (openOf.get(stream.session) ?? 0) - 1);
          ok(stream);
        });
      },
      { settings: { maxConcurrentStreams: 3 } },
    );
    const one = destination();
    const replies = await Promise.all(paths(60).map((path) => one.send(post(origin, path))));
    expect(replies.every((reply) => reply.kind === 'REPLY' && reply.status === 200)).toBe(true);
    expect(taken).toHaveLength(60);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('that ends its connections in good order, as after so many requests, gets everything once', async () => {
    const { origin, sessions, taken } = await receiver((stream) => {
      const { session } = stream;
      // This GOAWAY says that the receiver will answer streams up to 31, but no later streams.
      if (stream.id === 31) session?.goaway(0, 31);
      setImmediate(() => setImmediate(() => ok(stream)));
    });
    const one = destination();
    for (let round = 0; round < 4; round++) {
      const replies = await Promise.all(paths(20).map((path) => one.send(post(origin, `/${round}${path}`))));
      expect(replies.map((reply) => (reply.kind === 'REPLY' ? reply.status : reply.message))).toEqual(replies.map(() => 200));
    }
    expect(sessions.length).toBeGreaterThanOrEqual(4);
    // Each path was processed, some perhaps twice: Node's server answers every request that it has read, even those that GOAWAY refused.
    expect(new Set(taken).size).toBe(80);
  });

  it('that refuses a stream unseen gets it again, and four times at most', async () => {
    let refusals = 1;
    const { origin, taken } = await receiver((stream) => {
      if (refusals-- > 0) stream.close(7);
      else ok(stream);
    });
    const one = destination();
    expect(await one.send(post(origin, '/once'))).toMatchObject({ status: 200 });
    expect(taken).toEqual(['/once', '/once']);
    refusals = 10;
    expect(await one.send(post(origin, '/never'))).toMatchObject({
      stage: 'CONNECT',
      message: expect.stringContaining('refused the request'),
    });
    expect(taken.filter((path) => path === '/never')).toHaveLength(4);
  });

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['before it answers', (stream) => stream.close(2)],
    ['before it answers, without a reason', (stream) => stream.close(0)],
    ['by a cancel', (stream) => stream.close(8)],
    ['with its connection', (stream) => stream.session?.destroy()],
  ])('that breaks off %s failed, is not sent it again, and gets the next one', async (_, breakOff) => {
    let broken = false;
    const { origin, taken } = await receiver((stream) => {
      if (broken) return ok(stream);
      broken = true;
      breakOff(stream);
    });
    const one = destination();
    expect(await one.send(post(origin, '/broken'))).toMatchObject({ kind: 'NO_REPLY', stage: 'CONNECT' });
    expect(await one.send(post(origin, '/next'))).toMatchObject({ status: 200 });
    expect(taken).toEqual(['/broken', '/next']);
  });

  it('whose connection breaks under a later request is not sent it again, says so, and gets the next one', async () => {
    const { origin, taken, sessions } = await receiver((stream, path) => (path === '/broken' ? stream.session?.destroy() : ok(stream)));
    const one = destination();
    expect(await one.send(post(origin, '/first'))).toMatchObject({ status: 200 });
    expect(await one.send(post(origin, '/broken'))).toMatchObject({ kind: 'NO_REPLY', stage: 'CONNECT', unanswered: true });
    expect(await one.send(post(origin, '/next'))).toMatchObject({ status: 200 });
    expect(taken).toEqual(['/first', '/broken', '/next']);
    expect(sessions).toHaveLength(2);
  });

  it('that resets a later request alone has failed', async () => {
    const { origin } = await receiver((stream, path) => (path === '/broken' ? stream.close(2) : ok(stream)));
    const one = destination();
    expect(await one.send(post(origin, '/first'))).toMatchObject({ status: 200 });
    expect(await one.send(post(origin, '/broken'))).not.toHaveProperty('unanswered');
  });

  it('that never answers is given up at the deadline, and its connection serves others meanwhile and afterwards', async () => {
    const { origin, sessions } = await receiver((stream, path) => path !== '/slow' && ok(stream));
    const one = destination(900);
    let isOpen = true;
    const slow = one.send(post(origin, '/slow')).finally(() => {
      isOpen = false;
    });
    expect(await one.send(post(origin, '/quick'))).toMatchObject({ status: 200 });
    expect(isOpen).toBe(true);
    expect(await slow).toMatchObject({ stage: 'TIMEOUT', message: 'No complete answer within 0.9 seconds.' });
    expect(await one.send(post(origin, '/quick'))).toMatchObject({ status: 200 });
    expect(sessions).toHaveLength(1);
  });

  it('is read up to 64 KiB of an answer, however long it is', async () => {
    const { origin } = await receiver((stream) => {
      stream.respond({ ':status': 200 });
      const more = () => {
        while (!stream.destroyed && stream.write('x'.repeat(16_384)));
      };
      stream.on('drain', more);
      more();
    });
    const one = destination();
    const reply = await one.send(post(origin));
    expect(reply).toMatchObject({ kind: 'REPLY', status: 200 });
    expect(reply.kind === 'REPLY' && reply.body.length).toBe(65_536);
  });

  it('must be who its certificate says', async () => {
    const { origin, taken } = await receiver(ok, { cert: 'other' });
    expect(await destination().send(post(origin))).toMatchObject({
      stage: 'CONNECT',
      message: expect.stringMatching(/certificate|altname/i),
    });
    expect(taken).toEqual([]);
  });
});

describe('a receiver that speaks HTTP/1.1 only', () => {
  it('gets that, over the connection on which it was asked', async () => {
    const connections: unknown[] = [];
    const versions: string[] = [];
    const server = createHttpsServer({ key: tlsFile('key'), cert: tlsFile('receiver') }, (request, response) => {
      versions.push(request.httpVersion);
      response.end('ok');
    });
    server.on('secureConnection', () => void connections.push(1));
    await listen(server as never);
    open.push({ close: () => server.closeAllConnections() ?? server.close() });
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const one = destination();
    expect(await one.send(post(origin))).toMatchObject({ status: 200, body: 'ok' });
    expect(connections).toHaveLength(1);
    const replies = await Promise.all(paths(20).map((path) => one.send(post(origin, path))));
    expect(replies.every((reply) => reply.kind === 'REPLY' && reply.status === 200)).toBe(true);
    expect(new Set(versions)).toEqual(new Set(['1.1']));
    expect(versions).toHaveLength(21);
  });

  it('gets that too when it spoke HTTP/2 before', async () => {
    const versions: string[] = [];
    const answer = (request: Http2ServerRequest, response: Http2ServerResponse) => {
      versions.push(request.httpVersion);
      response.end('ok');
    };
    const tls = { key: tlsFile('key'), cert: tlsFile('receiver') };
    const sessions: ServerHttp2Session[] = [];
    const before = createSecureServer(tls, answer).on('session', (session) => sessions.push(session));
    await listen(before);
    const { port } = before.address() as AddressInfo;
    const one = destination();
    const origin = `https://127.0.0.1:${port}`;
    expect(await one.send(post(origin))).toMatchObject({ status: 200 });
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => before.close(resolve));
    const after = createHttpsServer(tls, answer as never);
    await new Promise<void>((resolve) => after.listen(port, '127.0.0.1', resolve));
    open.push({ close: () => after.closeAllConnections() ?? after.close() });
    expect(await one.send(post(origin))).toMatchObject({ status: 200 });
    expect(await one.send(post(origin))).toMatchObject({ status: 200 });
    expect(versions).toEqual(['2.0', '1.1', '1.1']);
  });
});
