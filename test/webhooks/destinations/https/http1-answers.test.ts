// Lists which answers of a raw TCP server are accepted over HTTP/1.1 and which are refused, by RFC 9110 and RFC 9112.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { repairHead } from '../../../../src/webhooks/destinations/https/response-head.js';
import { expectLinear } from '../../../support/cost.js';
import { ACCEPTED, MANY, OK } from './accepted-answers.js';

let port: number;
let answer: (socket: Socket) => void = () => {};
let requests = 0;
const sockets: Socket[] = [];
const server = createServer((socket) => {
  sockets.push(socket);
  let read = '';
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      read += chunk.toString();
      if (!read.endsWith('{"a":1}')) return;
      read = '';
      requests += 1;
      answer(socket);
    });
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'] });
let destination = openHttpsDestination(guard, 2000);
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await destination.close();
  destination = openHttpsDestination(guard, 2000);
  requests = 0;
});

const send = () => {
  const origin = `http://127.0.0.1:${port}`;
  return destination.send({ url: `${origin}/`, origin, headers: {}, body: Buffer.from('{"a":1}') });
};

/** Answers with these bytes. `close` ends the connection after them. */
async function answered(bytes: string | Buffer | (string | Buffer)[], { close = false } = {}) {
  answer = (socket) => {
    for (const part of [bytes].flat()) socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
    if (close) socket.end();
  };
  return send();
}

describe('is accepted', () => {
  it.each(ACCEPTED)('%s', async (_, bytes, expected, close) => {
    const reply = await answered(bytes, { close });
    expect(reply).toMatchObject({ kind: 'REPLY', status: 200, ...expected });
    expect(reply).not.toHaveProperty('flaw');
    // The rest of this answer must not disturb the next request.
    expect(await answered(OK)).toMatchObject({ kind: 'REPLY', status: 200, body: 'ok' });
    expect(requests).toBe(2);
  });

  it('an answer that comes byte by byte', async () => {
    const bytes = `HTTP/1.1 100 Continue\r\n\r\n${OK.replace('\r\n\r\n', '\r\nX-A: b\r\n c\r\n\r\n')}`;
    expect(await answered([...bytes])).toMatchObject({ status: 200, body: 'ok', headers: { 'x-a': 'b c' } });
  });

  it('an answer that comes before the request has been read', async () => {
    answer = () => {};
    server.once('connection', (socket: Socket) => socket.write(OK));
    expect(await send()).toMatchObject({ status: 200, body: 'ok' });
  });
});

describe('is refused at ANSWER, with the status that was read', () => {
  it.each<[string, string, number | undefined, RegExp, boolean]>([
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n\r\n', undefined, /is not HTTP\/1.1: its first line is not a status line/, false],
    ['HTTP/2 in the clear', 'HTTP/2.0 200 OK\r\n\r\n', undefined, /is not HTTP\/1.1/, false],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\n\r\n', 99, /status that HTTP does not define/, false],
    [
      '101, which nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      101,
      /another protocol/,
      false,
    ],
    [
      'lengths that differ',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
      200,
      /different values of Content-Length/,
      false,
    ],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok', 200, /not valid HTTP/, false],
    [
      'a header line without a colon',
      'HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok',
      200,
      /not valid HTTP|without a name/,
      false,
    ],
    ['a header name with a space', 'HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 2\r\n\r\nok', 200, /not valid HTTP/, false],
    ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX-A: \0\r\nContent-Length: 2\r\n\r\nok', 200, /not valid HTTP/, false],
    ['headers that break off', 'HTTP/1.1 503 Busy\r\nX-A: b\r\n', 503, /ended in the middle of its headers/, true],
    ['70 KB of headers', `HTTP/1.1 200 OK\r\nX-A: ${MANY(70_000, 'a')}\r\n\r\n`, 200, /more than 64 KB of headers/, false],
    ['headers without end', `HTTP/1.1 200 OK\r\n${MANY(90_000, 'a: b\r\n')}`, 200, /more than 64 KB of headers/, false],
    ['informational answers without end', MANY(200, 'HTTP/1.1 102 Processing\r\n\r\n'), undefined, /more than 100 informational/, false],
  ])('%s', async (_, bytes, status, message, close) => {
    const failed = await answered(bytes, { close });
    expect(failed).toMatchObject({ kind: 'NO_REPLY', stage: 'ANSWER', message: expect.stringMatching(message) });
    expect(failed).toMatchObject(status === undefined ? {} : { status });
    expect(failed).not.toHaveProperty('failure');
    expect(requests).toBe(1);
    expect(await answered(OK)).toMatchObject({ kind: 'REPLY', status: 200 });
  });
});

it('reads a length with 60 KB of spaces in it without holding up the process', async () => {
  const head = (spaces: number) => `HTTP/1.1 200 OK\r\nContent-Length: 2${MANY(spaces, ' ')}3,2\r\n\r\n`;
  expect(await answered(`${head(60_000)}ok`)).toMatchObject({ kind: 'NO_REPLY', stage: 'ANSWER', status: 200 });
  expectLinear(7_500, head, repairHead);
});

describe('is judged by its status although the body', () => {
  it.each<[string, string, RegExp, string]>([
    ['breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', /^The connection ended in the middle of the body\.$/, 'abc'],
    ['breaks off in a chunk', 'HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', /ended in the middle/, 'ab'],
    ['breaks off before the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n', /ended in the middle/, 'ab'],
    [
      'has a chunk size that is no number',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n',
      /framing .* not valid HTTP/,
      '',
    ],
    [
      'has chunk extensions without end',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${MANY(70, `1;${MANY(10_000, 'a')}\r\nx\r\n`)}`,
      /with status 200 is longer than 512 KB/,
      'x',
    ],
    [
      'has trailers without end',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${MANY(60_000, 'a: bcdefgh\r\n')}`,
      /The trailers after the body are too long/,
      '',
    ],
    [
      'claims a coding that it hasn’t',
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\xff\xfe',
      /is not valid gzip/,
      '',
    ],
    ['breaks off in a coding', 'HTTP/1.1 200 OK\r\nContent-Encoding: x-own\r\nContent-Length: 1\r\n\r\n\x1f', /does not decode/, ''],
    [
      'has a coding that only bytes show',
      'HTTP/1.1 200 OK\r\nContent-Encoding: x-own\r\nContent-Length: 2\r\n\r\n\xff\xfe',
      /does not decode/,
      '$',
    ],
  ])('%s', async (_, bytes, flaw, body) => {
    const reply = await answered(bytes, { close: true });
    expect(reply).toMatchObject({ kind: 'REPLY', status: Number(bytes.slice(9, 12)), flaw: expect.stringMatching(flaw) });
    expect(reply.kind === 'REPLY' && reply.body).toMatch(new RegExp(`^${body}`));
    expect(requests).toBe(1);
  });
});

it('is judged by its status although the body has no end: silent, dripping, in chunks, or by its length', async () => {
  const heads = ['Content-Length: 9', 'Transfer-Encoding: chunked', 'X-Length: none'];
  const drips: NodeJS.Timeout[] = [];
  const begun = [...heads];
  answer = (socket) => {
    socket.write(`HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n${begun.pop()}\r\n\r\n`);
    drips.push(setInterval(() => socket.write('1\r\n'), 900));
  };
  const replies = await Promise.all(heads.map(send));
  for (const drip of drips) clearInterval(drip);
  for (const reply of replies)
    expect(reply).toMatchObject({
      kind: 'REPLY',
      status: 503,
      headers: { 'retry-after': '9' },
      flaw: 'The receiver did not end the body within 2 seconds.',
    });
  expect(await answered('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')).toMatchObject({
    kind: 'REPLY',
    status: 200,
    body: 'half',
    flaw: 'The receiver did not end the body within 2 seconds.',
  });
  expect(await answered(OK)).toMatchObject({ status: 200, body: 'ok' });
});

describe('a compressed body', () => {
  const encoded = (coding: string, body: Buffer) => [
    `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`,
    body,
  ];
  const text = '{"errors": ["é"]}';
  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['deflate, gzip', gzipSync(deflateSync(text))],
  ])('is decoded: %s', async (coding, body) => {
    const reply = await answered(encoded(coding, body));
    expect(reply).toMatchObject({ status: 200, body: text });
    expect(reply).not.toHaveProperty('flaw');
  });

  it.each([
    ['utf-8', text],
    ['none', text],
    ['compress', text],
    ['gzip', text],
    ['br', text],
    ['gzip', `${'a'.repeat(65_535)}é`],
  ])('is read as it is where it is text although it claims to be %s', async (coding, body) => {
    const reply = await answered(encoded(coding, Buffer.from(body)));
    expect(reply).toMatchObject({ status: 200, body: expect.stringContaining(body.slice(0, 65_535)) });
    expect(reply).not.toHaveProperty('flaw');
  });

  it('is decoded up to 64 KB, however much it holds', async () => {
    const reply = await answered(encoded('gzip', gzipSync(Buffer.alloc(40_000_000, 'a'))));
    expect(reply.kind === 'REPLY' && reply.body).toBe('a'.repeat(65_536));
  });
});
