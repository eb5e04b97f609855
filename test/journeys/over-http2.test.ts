// Promise: a receiver that offers HTTP/2 gets notifications over it, and every signature verifies there as it does over HTTP/1.1.
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Scheme, verifyWebhook } from '../../src/verify/index.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { tlsFile } from '../support/tls-file.js';
import { until } from '../support/until.js';

const sessions = new Set<ServerHttp2Session>();
type Came = { headers: IncomingHttpHeaders; body: Buffer };
const came: Came[] = [];
const server = createSecureServer({ key: tlsFile('key'), cert: tlsFile('receiver') });
server.on('session', (session) => void sessions.add(session));
server.on('stream', async (stream, headers) => {
  came.push({ headers, body: await buffer(stream) });
  stream.respond({ ':status': 204 });
  stream.end();
});

let world: EngineWorld;
let url: string;
beforeAll(async () => {
  world = await startEngineWorld({ settings: { caCertificates: [tlsFile('ca')] } });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=1`;
  await world.work();
});
afterAll(async () => {
  await world?.close();
  for (const session of sessions) session.destroy();
  server.close();
});

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

it.each<[Scheme[]]>([[['SCOPE', 'STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES', 'SCALR', 'SERVO']], [['UP42']]])(
  '%s',
  async (signatures) => {
    came.length = 0;
    const headers = [{ name: 'X-Own', value: 'own' }];
    const id = await world.subscribe({ callbackUrl: url, signatures, sharedSecret: SECRET, headers, auth: { token: { token: 'tok' } } });
    await world.insertThings('Zoë');
    await until('it is delivered', async () => (await deliveriesOf(world.db.pool, id))[0]?.state === 'DELIVERED');
    const [{ headers: got, body }] = came.filter(({ headers }) => headers['x-scope-webhook-id'] === id) as [Came];
    expect(got).toMatchObject({ ':method': 'POST', ':path': '/hook?a=1', authorization: 'token tok', 'x-own': 'own' });
    for (const scheme of signatures)
      expect(verifyWebhook({ scheme, secret: SECRET, headers: got, body, url })).toMatchObject({ ok: true, topic: 'thing/created' });
  },
);
