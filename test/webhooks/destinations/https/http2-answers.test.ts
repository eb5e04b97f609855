// Lists which answers of a real server are accepted over HTTP/2 and which are refused, by RFC 9110 and RFC 9113.
import { constants, createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { tlsFile } from '../../../support/tls-file.js';
import { until } from '../../../support/until.js';

let port: number;
let answer: (stream: ServerHttp2Stream) => void = () => {};
const sessions: ServerHttp2Session[] = [];
const server = createSecureServer({ key: tlsFile('key'), cert: tlsFile('receiver'), peerMaxHeaderListSize: 1_000_000 } as object)
  .on('session', (session) => void sessions.push(session.on('error', () => {})))
  .on('sessionError', () => {})
  .on('stream', (stream) => {
    stream.on('error', () => {}).resume();
    stream.on('end', () => answer(stream));
  });
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'], caCertificates: [tlsFile('ca')] });
let destination = openHttpsDestination(guard, 2000);
afterEach(async () => {
  await destination.close();
  for (const session of sessions.splice(0)) session.destroy();
  destination = openHttpsDestination(guard, 2000);
});

const send = (to = port) => {
  const origin = `https://127.0.0.1:${to}`;
  return destination.send({ url: `${origin}/`, origin, headers: {}, body: Buffer.from('{"a":1}') });
};

/** An HTTP/2 frame, with its payload in hexadecimal. */
function frame(type: number, flags: number, stream: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload as string, 'hex');
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Sends a request to a TLS server that answers it with these bytes. */
async function sentTo(bytes: Buffer | string) {
  const sockets: Socket[] = [];
  const liar = createTls({ key: tlsFile('key'), cert: tlsFile('receiver'), ALPNProtocols: ['h2'] }, (socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.on('data', (chunk) => chunk.includes('{"a":1}') && socket.write(bytes));
    if (typeof bytes !== 'string') socket.write(frame(4, 0, 0, ''));
  });
  await new Promise<void>((resolve) => void liar.listen(0, '127.0.0.1', resolve));
  const reply = await send((liar.address() as AddressInfo).port);
  for (const socket of sockets) socket.destroy();
  liar.close();
  return reply;
}

function ok(stream: ServerHttp2Stream, headers = {}, body: string | Buffer = 'ok') {
  stream.respond({ ':status': 200, ...headers });
  stream.end(body);
}

describe('is accepted', () => {
  it.each<[string, (stream: ServerHttp2Stream) => void, Record<string, unknown>]>([
    ['an ordinary answer', (stream) => ok(stream), { body: 'ok' }],
    ['an empty body', (stream) => stream.respond({ ':status': 200 }, { endStream: true }), { body: '' }],
    ['204', (stream) => stream.respond({ ':status': 204 }, { endStream: true }), { status: 204, body: '' }],
    ['a status that nobody knows', (stream) => stream.respond({ ':status': 299 }, { endStream: true }), { status: 299, body: '' }],
    [
      'informational answers',
      (stream) => {
        stream.additionalHeaders({ ':status': 100 });
        stream.additionalHeaders({ ':status': 103, link: '</a>' });
        ok(stream);
      },
      { status: 200, body: 'ok' },
    ],
    ['20 KB of headers', (stream) => ok(stream, { 'x-a': 'a'.repeat(20_000) }), { body: 'ok', headers: { 'x-a': 'a'.repeat(20_000) } }],
    ['a gzip body', (stream) => ok(stream, { 'content-encoding': 'gzip' }, gzipSync('{"é": 1}')), { body: '{"é": 1}' }],
    [
      'trailers',
      (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 't' }));
        stream.end('ok');
      },
      { body: 'ok' },
    ],
  ])('%s', async (_, how, expected) => {
    answer = how;
    const reply = await send();
    expect(reply).toMatchObject({ kind: 'REPLY', status: 200, ...expected });
    expect(reply).not.toHaveProperty('flaw');
    answer = ok;
    expect(await send()).toMatchObject({ status: 200, body: 'ok' });
  });
});

describe('is judged by its status although the body', () => {
  it.each<[string, (stream: ServerHttp2Stream) => void, RegExp]>([
    [
      'breaks off by an error',
      (stream) => stream.write('half', () => stream.close(2)),
      /^The connection ended in the middle of the body\.$/,
    ],
    ['breaks off by a cancel', (stream) => stream.write('half', () => stream.close(8)), /ended in the middle/],
    ['breaks off with its connection', (stream) => stream.write('half', () => stream.session?.destroy()), /ended in the middle/],
  ])('%s', async (_, breakOff, flaw) => {
    answer = (stream) => {
      stream.respond({ ':status': 200, 'content-length': 100 });
      breakOff(stream);
    };
    expect(await send()).toMatchObject({ kind: 'REPLY', status: 200, flaw: expect.stringMatching(flaw) });
    answer = ok;
    expect(await send()).toMatchObject({ status: 200 });
  });
});

it('is judged by its status although the body has no end, and its connection serves the next request', async () => {
  const drips: NodeJS.Timeout[] = [];
  const silences = [true, false];
  answer = (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half');
    if (!silences.pop()) drips.push(setInterval(() => stream.destroyed || stream.write('half'), 20));
  };
  const slow = await Promise.all([send(), send()]);
  for (const drip of drips) clearInterval(drip);
  for (const reply of slow) {
    expect(reply).toMatchObject({ kind: 'REPLY', status: 200, flaw: 'The receiver did not end the body within 2 seconds.' });
    expect(reply.kind === 'REPLY' && reply.body).toMatch(/^(half)+$/);
  }
  answer = ok;
  expect(await send()).toMatchObject({ status: 200, body: 'ok' });
  expect(sessions).toHaveLength(1);
});

describe('is refused at ANSWER', () => {
  it('when informational answers have no end', async () => {
    answer = (stream) => {
      for (let count = 0; count < 150; count++) stream.additionalHeaders({ ':status': 102 });
      ok(stream);
    };
    expect(await send()).toMatchObject({ stage: 'ANSWER', message: expect.stringContaining('more than 100 informational') });
    answer = ok;
    expect(await send()).toMatchObject({ status: 200 });
  });

  it('when it is no HTTP/2, although the receiver chose that', async () => {
    expect(await sentTo('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'ANSWER',
      message: "The receiver's answer is not valid HTTP/2.",
    });
  });

  it.each([
    ['a Connection header', `88000a${Buffer.from('connection').toString('hex')}05${Buffer.from('close').toString('hex')}`],
    ['a header name in capitals', `880003${Buffer.from('X-A').toString('hex')}0161`],
    ['no status', '0001780161'],
  ])('when it has %s, by a sentence that says so', async (_, headers) => {
    const reply = await sentTo(Buffer.concat([frame(1, 4, 1, headers), frame(0, 1, 1, '6f6b')]));
    expect(reply).toMatchObject({ stage: 'ANSWER', message: expect.stringMatching(/not valid HTTP\/2 \(.*Connection/) });
  });
});

describe('a receiver that requires HTTP/1.1, although it offers HTTP/2,', () => {
  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['of a request', (stream) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED)],
    ['of a connection', (stream) => stream.session?.goaway(constants.NGHTTP2_HTTP_1_1_REQUIRED)],
  ])('gets it in the same attempt, and from then on: %s', async (_, require) => {
    const versions: string[] = [];
    const both = createSecureServer({ key: tlsFile('key'), cert: tlsFile('receiver'), allowHTTP1: true }, (request, response) => {
      versions.push(request.httpVersion);
      if (request.httpVersion === '1.1') response.end('ok');
    });
    both.on('stream', (stream) => require(stream.on('error', () => {})));
    await new Promise<void>((resolve) => void both.listen(0, '127.0.0.1', resolve));
    const { port: offered } = both.address() as AddressInfo;
    expect(await send(offered)).toMatchObject({ status: 200, body: 'ok' });
    expect(await send(offered)).toMatchObject({ status: 200, body: 'ok' });
    expect(versions).toEqual(['2.0', '1.1', '1.1']);
    both.close();
  });
});

it('an error code is named, and the next request takes a new connection', async () => {
  answer = (stream) => stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(await send()).toMatchObject({ stage: 'CONNECT', message: expect.stringContaining('with ENHANCE_YOUR_CALM') });
  answer = (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  expect(await send()).toMatchObject({ stage: 'CONNECT', message: expect.stringContaining('reset the HTTP/2 stream with INTERNAL_ERROR') });
  answer = ok;
  expect(await send()).toMatchObject({ status: 200 });
});

describe('a head that', () => {
  /** A literal header of 4,000 characters that enters the compression table, then references to it, each of one byte. */
  const bomb = Buffer.concat([
    Buffer.from('884003782d617f', 'hex'),
    Buffer.from([0xa1, 0x1e]),
    Buffer.alloc(4_000, 'a'),
    Buffer.alloc(12_000, 0xbe),
  ]);
  const literal = Buffer.concat([Buffer.from('0003782d610a', 'hex'), Buffer.alloc(10, 'a')]);
  const references = Buffer.alloc(16_000, 0xbe);
  it.each<[string, Buffer, Buffer]>([
    ['unpacks to 4,000 times its length (HPACK)', frame(1, 4, 1, bomb), Buffer.alloc(0)],
    ['unpacks without end, in continuations', frame(1, 0, 1, bomb), frame(9, 0, 1, references)],
    ['has no end (CONTINUATION)', frame(1, 0, 1, '88'), frame(9, 0, 1, Buffer.concat(Array(500).fill(literal)))],
    ['has no end and nothing in it', frame(1, 0, 1, '88'), Buffer.concat(Array(1_000).fill(frame(9, 0, 1, '')))],
  ])('%s is refused, and others are served', async (_, first, next) => {
    const sockets: Socket[] = [];
    let written = 0;
    const hostile = createTls({ key: tlsFile('key'), cert: tlsFile('receiver'), ALPNProtocols: ['h2'] }, (opened) => {
      sockets.push(opened.on('error', () => {}));
      let read = '';
      opened.on('data', (chunk) => {
        if (read.includes('{"a":1}')) return;
        read += chunk.toString('latin1');
        if (!read.includes('{"a":1}')) return;
        opened.write(Buffer.concat([frame(4, 0, 0, ''), first]));
        const more = () => {
          if (opened.destroyed || next.length === 0) return;
          written += next.length;
          opened.write(next, () => setImmediate(more));
        };
        more();
      });
    });
    await new Promise<void>((resolve) => void hostile.listen(0, '127.0.0.1', resolve));
    const reply = await send((hostile.address() as AddressInfo).port);
    expect(reply).toMatchObject({ kind: 'NO_REPLY' });
    expect(written).toBeLessThan(4_000_000);
    for (const socket of sockets) socket.destroy();
    hostile.close();
    answer = (stream) => ok(stream);
    expect(await send()).toMatchObject({ status: 200 });
  });
});

it('a receiver that sends frames without end after its answer is cut off, and others are served', async () => {
  // Writes frames by hand, because Node's server ends its session after ten settings without an acknowledgement.
  const [settings, headers, data] = [frame(4, 0, 0, ''), frame(1, 4, 1, '88'), frame(0, 1, 1, '6f6b')];
  const flood = Buffer.concat(Array.from({ length: 50 }, () => frame(4, 0, 0, '00030000006400040000ffff')));
  let written = 0;
  let socket: Socket | undefined;
  const hostile = createTls({ key: tlsFile('key'), cert: tlsFile('receiver'), ALPNProtocols: ['h2'] }, (opened) => {
    socket = opened.on('error', () => {});
    let read = '';
    opened.on('data', (chunk) => {
      const isOver = read.includes('{"a":1}');
      read = isOver ? read : read + chunk.toString('latin1');
      if (isOver || !read.includes('{"a":1}')) return;
      opened.write(Buffer.concat([settings, headers, data]));
      const more = () => {
        if (opened.destroyed) return;
        written += flood.length;
        opened.write(flood, () => setImmediate(more));
      };
      more();
    });
  });
  await new Promise<void>((resolve) => void hostile.listen(0, '127.0.0.1', resolve));
  expect(await send((hostile.address() as AddressInfo).port)).toMatchObject({ status: 200 });
  await until('the connection is cut off', () => socket?.destroyed);
  expect(written).toBeLessThan(4_000_000);
  hostile.close();
  answer = (stream) => ok(stream);
  expect(await send()).toMatchObject({ status: 200 });
});
