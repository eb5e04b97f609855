// Tests with real connections how long they are used: after a timeout, while silent, at a maximum age, and when their name moves.
import { createServer as createHttp1, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { LIFETIMES } from '../../../../src/webhooks/destinations/https/lifetimes.js';
import { startDnsServer } from '../../../support/dns-server.js';
import { startSwallowingProxy } from '../../../support/swallowing-proxy.js';
import { tlsFile } from '../../../support/tls-file.js';
import { until } from '../../../support/until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Receiver {
  port: number;
  /** Number of requests and of connections so far. */
  came: { requests: number; connections: number };
}

async function receiver(protocol: 'http:' | 'https:', address = '127.0.0.1', port = 0): Promise<Receiver> {
  const came = { requests: 0, connections: 0 };
  const answer = ({ url }: { url?: string }, response: { end(text: string): void }) => {
    came.requests += 1;
    if (url !== '/hang') response.end('ok');
  };
  const server =
    protocol === 'http:'
      ? createHttp1({ keepAliveTimeout: 60_000 }, answer)
      : createSecureServer({ key: tlsFile('key'), cert: tlsFile('receiver') }, answer);
  const sockets = new Set<{ destroy(): void }>();
  server.on(protocol === 'http:' ? 'connection' : 'secureConnection', (socket) => {
    came.connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('sessionError', () => {});
  await new Promise<void>((resolve) => void (server as Server).listen(port, address, resolve));
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, came };
}

function sender(lifetimes: Partial<typeof LIFETIMES> = {}, settings: Partial<Parameters<typeof createGuard>[0]> = {}, deadlineMs = 1000) {
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'], caCertificates: [tlsFile('ca')], lookup, ...settings });
  const destination = openHttpsDestination(guard, deadlineMs, 200, { ...LIFETIMES, ...lifetimes });
  open.push(guard.close, () => destination.close());
  return (origin: string, path = '/') => destination.send({ url: `${origin}${path}`, origin, headers: {}, body: Buffer.from('{}') });
}

describe.each(['http:', 'https:'] as const)('a connection by %s', (protocol) => {
  const originOf = (port: number) => `${protocol}//receiver.example:${port}`;

  it('that swallows everything costs one attempt, and the next takes a new one', async () => {
    const { port } = await receiver(protocol);
    const proxy = await startSwallowingProxy(port);
    open.push(proxy.close);
    const send = sender();
    const origin = originOf(proxy.port);
    await Promise.all([send(origin), send(origin), send(origin)]);
    const before = proxy.connections();
    proxy.swallow();
    expect(await send(origin)).toMatchObject({ stage: 'TIMEOUT' });
    expect(await Promise.all([send(origin), send(origin)])).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(proxy.connections()).toBeGreaterThan(before);
  });

  it('stays in use when another URL of its host hangs, if it has answered meanwhile', async () => {
    const { port, came } = await receiver(protocol);
    const send = sender();
    const origin = originOf(port);
    // Opens two connections (over HTTP/1.1), because the URL that hangs occupies one.
    await Promise.all([send(origin), send(origin)]);
    const before = came.connections;
    const hung = send(origin, '/hang');
    await until('it hangs', () => came.requests === 3);
    expect(await send(origin)).toMatchObject({ status: 200 });
    expect(await hung).toMatchObject({ stage: 'TIMEOUT' });
    expect(await send(origin)).toMatchObject({ status: 200 });
    expect(came).toEqual({ requests: 5, connections: before });
  });

  it('takes no new request after its age, and all of them before', async () => {
    const { port, came } = await receiver(protocol);
    const send = sender({ ageMs: 300 });
    await send(originOf(port));
    await send(originOf(port));
    expect(came).toEqual({ requests: 2, connections: 1 });
    await until('a second connection is opened', async () => (await send(originOf(port))) && came.connections === 2);
    expect(came.requests).toBeGreaterThan(2);
  });

  it('is left when its name has moved', async () => {
    const blue = await receiver(protocol);
    const green = await receiver(protocol, '127.0.0.2', blue.port);
    const dns = await startDnsServer([['127.0.0.1'], ['127.0.0.2']]);
    open.push(dns.close);
    const send = sender({ ageMs: 300 }, { lookup: dns.lookup });
    expect(await send(originOf(blue.port))).toMatchObject({ status: 200 });
    expect(blue.came.requests).toBe(1);
    await until('requests go to the new address', async () => (await send(originOf(blue.port))) && green.came.requests > 0);
    const left = blue.came.requests;
    await send(originOf(blue.port));
    expect(blue.came.requests).toBe(left);
  });
});

describe('an HTTP/2 connection that has been silent', () => {
  it('is tried by PING first: one that swallows everything costs no attempt', async () => {
    const { port } = await receiver('https:');
    const proxy = await startSwallowingProxy(port);
    open.push(proxy.close);
    const send = sender({ trustMs: 30, pingMs: 100 });
    const origin = `https://receiver.example:${proxy.port}`;
    expect(await send(origin)).toMatchObject({ status: 200 });
    expect(await send(origin)).toMatchObject({ status: 200 });
    expect(proxy.connections()).toBe(1);
    proxy.swallow();
    const silentSince = performance.now();
    await until('the silence is too long', () => performance.now() - silentSince > 30);
    expect(await Promise.all([send(origin), send(origin), send(origin)])).toMatchObject(Array(3).fill({ status: 200 }));
    expect(proxy.connections()).toBe(2);
  });
});

it('no connection is older than about a minute', () => {
  expect(LIFETIMES).toMatchObject({ ageMs: 60_000, pingMs: 1_000 });
  expect(LIFETIMES.trustMs).toBeLessThanOrEqual(2_000);
});
