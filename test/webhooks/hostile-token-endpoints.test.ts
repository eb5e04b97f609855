// Tests token endpoints that answer endlessly, slowly, hugely, with redirects or with the request: each soon fails with a short message.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Compiled } from '../../src/webhooks/base/compiled.js';
import { loadForSending } from '../../src/webhooks/base/store/subscriptions.js';
import { compileDefinition } from '../../src/webhooks/compile-definition.js';
import { openDeliverySender } from '../../src/webhooks/send-delivery.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';

const SECRET = 'p-_.~+/= %&"!*s3cret';

let world: EngineWorld;
let compiled: Compiled;
const sockets = new Set<Socket>();
/** Answers on the socket; `request` is the text of the request. */
let answer: (socket: Socket, request: string) => void = () => {};
let asked = 0;
const endpoint = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  let request = '';
  socket.on('data', (chunk) => {
    request += chunk.toString();
    const length = Number(/content-length: (\d+)/i.exec(request)?.[1]);
    if (request.length - request.indexOf('\r\n\r\n') - 4 < length) return;
    asked += 1;
    answer(socket, request);
    request = '';
  });
});

beforeAll(async () => {
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const tokenUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
  world = await startEngineWorld();
  const id = await world.subscribe({ disabled: true, auth: { oauth2: { tokenUrl, clientId: 'client', clientSecret: SECRET } } });
  const loaded = (await loadForSending(world.webhooks.engine, [id])).get(id);
  if (!loaded) throw new Error('not loaded');
  compiled = (await compileDefinition(world.webhooks.engine, loaded)) as Compiled;
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  endpoint.close();
  await world.close();
});

const reply = (body: string, status = 200) =>
  `HTTP/1.1 ${status} Said\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
/** Writes repeatedly, as fast as the client reads. */
function endlessly(head: string, chunk: string) {
  return (socket: Socket) => {
    socket.write(head);
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };
}
/** Writes chunks with pauses, so that this process, which runs both sides, can do its other work. */
function paced(chunk: string) {
  return (socket: Socket) => {
    const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write(chunk)), 1);
  };
}
const LINE = `x-more: ${'y'.repeat(1_000)}\r\n`;
const CHUNK = `400\r\n${'z'.repeat(0x400)}\r\n`;

it.each<[string, typeof answer, RegExp, deadlineMs?: number]>([
  ['a body without end', endlessly('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', CHUNK), /status 200, but not with JSON/],
  [
    'header lines without end',
    endlessly('HTTP/1.1 200 OK\r\n', LINE),
    /gave no answer: The receiver.s answer with status 200 has more than 64 KB of headers/,
  ],
  ['informational heads without end', paced('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'), /gave no (answer|token)/],
  [
    'headers of a megabyte',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\n${LINE.repeat(1_000)}Content-Length: 2\r\n\r\n{}`),
    /gave no answer/,
  ],
  ['nothing', () => {}, /gave no (answer|token)/, 600],
  ['one byte of many', (socket) => socket.write(reply('{}').slice(0, -1)), /gave no (answer|token)/, 600],
  [
    'redirects in a circle',
    (socket) => socket.write('HTTP/1.1 307 Again\r\nLocation: /token\r\nContent-Length: 0\r\n\r\n'),
    /status 307\. Redirects are never followed/,
  ],
  ['a giant token', (socket) => socket.write(reply(JSON.stringify({ access_token: 't'.repeat(60_000) }))), /token of 60000 characters/],
  ['a token of line breaks', (socket) => socket.write(reply('{"access_token":"t\\r\\nx: y"}')), /a header may not contain/],
  ['brackets within brackets', (socket) => socket.write(reply('['.repeat(60_000))), /not with JSON/],
  ['an error of 40 KB', (socket) => socket.write(reply(JSON.stringify({ error: '\\'.repeat(20_000) }), 400)), /status 400: \\{300}…/],
  [
    'what it got',
    (socket, request) => socket.write(reply(JSON.stringify({ error: 'no', error_description: request }), 401)),
    /status 401: no: POST/,
  ],
  [
    'what it got, encoded',
    (socket, request) => socket.write(reply(JSON.stringify({ error: encodeURIComponent(request) }), 401)),
    /status 401: POST/,
  ],
])('%s', async (_name, behave, message, deadlineMs = 20_000) => {
  answer = behave;
  asked = 0;
  const sender = openDeliverySender(world.webhooks.engine, deadlineMs);
  const ids = { deliveryId: '1', typename: 'Thing', nodeKey: '1', eventId: null };
  const sent = await sender.send(compiled, ids, { text: '{}', contentType: 'application/json' });
  expect(sent.answer).toMatchObject({ kind: 'NO_REPLY', stage: 'AUTH', message: expect.stringMatching(message) });
  const said = JSON.stringify(sent);
  expect(said.length).toBeLessThan(2_000);
  for (const trace of [SECRET, 's3cret', Buffer.from('client:p-').toString('base64').slice(0, -2)]) expect(said).not.toContain(trace);
  expect(asked).toBe(1);
  expect(world.receiver.requests).toEqual([]);
  for (const socket of sockets) socket.destroy();
  await sender.close();
});
