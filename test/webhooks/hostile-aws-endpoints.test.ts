// Tests endpoints of SNS, SQS and EventBridge, which a subscription may name: if they answer endlessly, slowly, deeply nested or with a
// redirect, the send soon fails with a short message.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Compiled } from '../../src/webhooks/base/compiled.js';
import { loadForSending } from '../../src/webhooks/base/store/subscriptions.js';
import { compileDefinition } from '../../src/webhooks/compile-definition.js';
import { openDeliverySender } from '../../src/webhooks/send-delivery.js';
import { ACCOUNT, KEYS, REGION } from '../support/aws.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';

let world: EngineWorld;
const compiled = new Map<string, Compiled>();
let sender: ReturnType<typeof openDeliverySender>;
const sockets = new Set<Socket>();
let answer: (socket: Socket) => void = () => {};
/** Called for each later request on the same connection. */
let further: (socket: Socket) => void = () => {};
let asked = 0;
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  let isAsked = false;
  socket.on('data', (chunk) => {
    if (isAsked && chunk.toString('latin1').startsWith('POST ')) further(socket);
    if (isAsked || !chunk.toString('latin1').includes('\r\n\r\n')) return;
    isAsked = true;
    asked += 1;
    answer(socket);
  });
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kinds = {
    sns: { sns: { topicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:some`, endpoint, ...KEYS } },
    sqs: { sqs: { queueArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:some`, endpoint, ...KEYS } },
    eventBridge: { eventBridge: { eventBusArn: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/some`, endpoint, ...KEYS } },
  };
  world = await startEngineWorld();
  for (const [kind, destination] of Object.entries(kinds)) {
    const id = await world.subscribe({ disabled: true, ...destination });
    const loaded = (await loadForSending(world.webhooks.engine, [id])).get(id);
    if (!loaded) throw new Error('not loaded');
    compiled.set(kind, (await compileDefinition(world.webhooks.engine, loaded)) as Compiled);
  }
  sender = openDeliverySender(world.webhooks.engine, 20_000);
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  asked = 0;
  further = () => {};
});
afterAll(async () => {
  await sender?.close();
  server.close();
  await world?.close();
});

const TEXT = '{"a": 1}';
const IDS = { deliveryId: '1', typename: 'Thing', nodeKey: '1', eventId: '1' };
const send = (kind: string, withinMs: number) =>
  sender.send(compiled.get(kind) as Compiled, IDS as never, { text: TEXT, contentType: 'application/json' }, { withinMs });

const reply =
  (body: string, { status = 200, type = 'text/xml' } = {}) =>
  (socket: Socket) =>
    socket.end(
      `HTTP/1.1 ${status} Said\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
/** Writes repeatedly, as fast as the client reads. */
const endlessly = (head: string, chunk: string) => (socket: Socket) => {
  socket.write(head);
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
};
const drip = (head: string) => (socket: Socket) => {
  socket.write(head);
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write(' ')), 20);
};

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n';
const ENTITIES = Array.from(
  { length: 20 },
  (_, level) => `<!ENTITY e${level} "${level === 0 ? 'x'.repeat(50) : `&e${level - 1};`.repeat(10)}">`,
);
const JSON_TYPE = 'application/x-amz-json-1.1';
const EMPTY: Record<string, (socket: Socket) => void> = {
  sns: reply('<PublishResponse><PublishResult></PublishResult></PublishResponse>'),
  sqs: reply('{}', { type: JSON_TYPE }),
  eventBridge: reply('{"FailedEntryCount": 0, "Entries": []}', { type: JSON_TYPE }),
};
/** Responses that say that the message was accepted. */
const TAKEN: Record<string, { type: string; body: string }> = {
  sns: { type: 'text/xml', body: '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>' },
  sqs: { type: JSON_TYPE, body: JSON.stringify({ MessageId: '1', MD5OfMessageBody: createHash('md5').update(TEXT).digest('hex') }) },
  eventBridge: { type: JSON_TYPE, body: '{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}' },
};
const HOSTILE: [string, (socket: Socket) => void, RegExp?, number?][] = [
  ['a body without an end', endlessly(`${HEAD}Content-Length: 9000000000\r\n\r\n`, 'x'.repeat(10_000))],
  [
    'an error without an end',
    endlessly('HTTP/1.1 400 Bad\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n', `400\r\n${'z'.repeat(1024)}\r\n`),
  ],
  ['headers without an end', endlessly(HEAD, `x-more: ${'y'.repeat(1_000)}\r\n`), /Header overflow/],
  [
    'informational answers without an end',
    endlessly('', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'),
    /more than 512 KB for a request/,
  ],
  ['a body byte by byte', drip(`${HEAD}Content-Length: 60000\r\n\r\n`), /No complete answer/, 400],
  [
    'entities of entities',
    reply(`<!DOCTYPE a [${ENTITIES.join('')}]><ErrorResponse><Error><Code>&e19;</Code><Message>&e19;</Message></Error></ErrorResponse>`, {
      status: 400,
    }),
  ],
  ['a deep tree', reply('<a>'.repeat(9_000) + '</a>'.repeat(9_000))],
  ['a deep tree in an error', reply('<a>'.repeat(9_000) + '</a>'.repeat(9_000), { status: 500 })],
  ['deep JSON', reply('['.repeat(30_000) + ']'.repeat(30_000), { type: 'application/x-amz-json-1.1' })],
  [
    'deep JSON in an error',
    reply(`{"__type":"a","message":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, { status: 400, type: 'application/x-amz-json-1.1' }),
  ],
  [
    'a property of every object',
    reply('{"__proto__":{"code":"x"},"__type":"__proto__","message":"constructor"}', { status: 400, type: 'application/x-amz-json-1.1' }),
  ],
];

describe.each(['sns', 'sqs', 'eventBridge'])('an endpoint of %s that answers', (kind) => {
  it.each(HOSTILE)('%s', async (_, how, said = /./, deadlineMs = 20_000) => {
    answer = how;
    const sent = JSON.stringify((await send(kind, deadlineMs)).answer);
    expect(sent).toMatch(said);
    expect(sent).not.toContain('Deserialization');
    expect(sent.length).toBeLessThan(2_000);
    expect(asked).toBe(1);
  });

  it('a success without the id of the message has failed, because the message may not have arrived', async () => {
    answer = EMPTY[kind] as (socket: Socket) => void;
    expect((await send(kind, 20_000)).answer).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'ANSWER',
      status: 200,
      message: expect.stringContaining('its response is not that of'),
    });
  });

  it('nothing over a connection that is open from before is asked again at once, over a new one', async () => {
    const { type, body } = TAKEN[kind] as { type: string; body: string };
    answer = (socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    further = (socket) => socket.destroy();
    // Two connections are kept, and both are closed at their next request.
    expect((await Promise.all([send(kind, 20_000), send(kind, 20_000)])).map((sent) => sent.answer.kind)).toEqual(['REPLY', 'REPLY']);
    expect((await send(kind, 20_000)).answer).toMatchObject({ kind: 'NO_REPLY', stage: 'CONNECT', unanswered: true });
    answer = reply(body, { type });
    expect((await send(kind, 20_000)).answer).toMatchObject({ kind: 'REPLY', status: 200 });
  });

  it('with a redirect is not followed', async () => {
    answer = (socket) => {
      socket.end(`HTTP/1.1 307 Elsewhere\r\nConnection: close\r\nLocation: ${world.receiver.url}/inside\r\nContent-Length: 0\r\n\r\n`);
    };
    await send(kind, 20_000);
    expect(asked).toBe(1);
    expect(world.receiver.requests).toEqual([]);
  });
});
