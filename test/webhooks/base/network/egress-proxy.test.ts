// Tests connections through a real proxy: the requests to it, who is at fault for a failure, and what is never revealed.
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { createTunnels } from '../../../../src/webhooks/base/network/egress-proxy.js';
import { EgressFailed } from '../../../../src/webhooks/base/network/guard.js';
import { openHttpsDestination } from '../../../../src/webhooks/destinations/https/https.js';
import { type EgressProxy, startEgressProxy } from '../../../support/egress-proxy.js';
import { tlsFile } from '../../../support/tls-file.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listening(server: Server & { closeAllConnections(): void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const receiver = () => listening(createSecure({ key: tlsFile('key'), cert: tlsFile('receiver') }, (_, response) => response.end('hello')));

async function proxied(options?: Parameters<typeof startEgressProxy>[0]) {
  const proxy = await startEgressProxy(options);
  open.push(proxy.close);
  return proxy;
}

function sender(proxy: EgressProxy, settings: Partial<Parameters<typeof createGuard>[0]> = {}) {
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const guard = createGuard({
    allowedNetworks: ['127.0.0.0/8'],
    lookup,
    caCertificates: [tlsFile('ca')],
    egressProxy: proxy.url,
    ...settings,
  });
  const destination = openHttpsDestination(guard);
  open.push(() => destination.close());
  return (origin: string) => destination.send({ url: `${origin}/`, origin, headers: {}, body: Buffer.from('{}') });
}

describe('through a proxy', () => {
  it.each([{ secure: false }, { secure: true }])(
    '(TLS to it: $secure) a name is resolved and vetted by us, the proxy asked for its address, TLS with the receiver',
    async ({ secure }) => {
      const port = await receiver();
      const proxy = await proxied({ secure });
      const send = sender(proxy);
      expect(await send(`https://receiver.example:${port}`)).toMatchObject({ kind: 'REPLY', status: 200, body: 'hello' });
      for (let i = 0; i < 5; i++) expect(await send(`https://receiver.example:${port}`)).toMatchObject({ kind: 'REPLY', status: 200 });
      // Tunnels are reused. undici opens a second tunnel when a request follows the first one too soon.
      expect(proxy.asked.slice(1, -1)).toEqual([]);
      expect(new Set(proxy.asked)).toEqual(new Set([`127.0.0.1:${port}`]));
    },
  );

  it("a certificate is verified for the receiver's name", async () => {
    const port = await receiver();
    const send = sender(await proxied());
    expect(await send(`https://other.example:${port}`)).toMatchObject({ stage: 'CONNECT', message: expect.stringContaining('ALTNAME') });
  });

  it('http goes through a tunnel, too', async () => {
    const port = await listening(createServer((_request, response) => response.end('plain')));
    const proxy = await proxied();
    expect(await sender(proxy)(`http://receiver.example:${port}`)).toMatchObject({ kind: 'REPLY', body: 'plain' });
    expect(proxy.asked).toEqual([`127.0.0.1:${port}`]);
  });

  it('what is refused never reaches it', async () => {
    const port = await receiver();
    const proxy = await proxied();
    const send = sender(proxy, { allowedNetworks: [] });
    for (const origin of [`https://receiver.example:${port}`, `https://127.0.0.1:${port}`, 'https://receiver.example:6379'])
      expect(await send(origin)).toMatchObject({ kind: 'NO_REPLY', stage: 'ADDRESS' });
    expect(proxy.asked).toEqual([]);
  });
});

describe("a proxy's failure", () => {
  it.each([
    '407 Proxy Authentication Required',
    '403 Forbidden',
    '500 Internal Server Error',
    '502 Bad Gateway',
    '503 Service Unavailable',
    '504 Gateway Timeout',
    '503 Service Unavailable\r\nProxy-Status: proxy; error=proxy_internal_error',
    '502 Bad Gateway\r\nProxy-Status: proxy; error=destination_ip_prohibited',
    '503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0',
    'nonsense',
  ])('is ours: %j', async (answer) => {
    const proxy = await proxied();
    proxy.answer = answer;
    const failure = await sender(proxy)('https://receiver.example:8443').catch((error) => error);
    expect(failure).toBeInstanceOf(EgressFailed);
    expect(`${failure.stack}${failure.cause?.stack}`).not.toMatch(/hook:|pa:ss|pa%3A|aG9vazpwYTpzcyU0MHdvcmQ/);
  });

  it('is ours: nobody is there, wrong credentials, a certificate that we do not trust', async () => {
    const proxy = await proxied();
    const { url } = proxy;
    await expect(sender({ ...proxy, url: url.replace('hook', 'look') })('https://receiver.example:8443')).rejects.toThrow(
      /answered CONNECT with status 407/,
    );
    await proxy.stop();
    await expect(sender(proxy)('https://receiver.example:8443')).rejects.toThrow(
      /^connecting to the egress proxy 127\.0\.0\.1:\d+ failed: ECONNREFUSED$/,
    );
    const secure = await proxied({ secure: true });
    await expect(sender(secure, { caCertificates: [] })('https://receiver.example:8443')).rejects.toThrow(EgressFailed);
  });

  it('is ours when it hangs; but where it opens other tunnels meanwhile, it waits for the receiver', async () => {
    const port = await receiver();
    const proxy = await proxied();
    const asking = (tunnelMs: number) => {
      const tunnels = createTunnels(proxy.url, createSecureContext(), tunnelMs);
      return (to: number) => tunnels.open([{ address: '127.0.0.1', family: 4 }], to, new AbortController().signal);
    };
    proxy.answer = 'hang';
    await expect(asking(100)(8443)).rejects.toThrow(/^the egress proxy 127\.0\.0\.1:\d+ did not answer in time$/);
    const ask = asking(1_000);
    const waiting = ask(8443).catch((error) => error);
    await expect.poll(() => proxy.asked.length, { interval: 5 }).toBe(2);
    proxy.answer = 'work';
    (await ask(port)).destroy();
    const failure = await waiting;
    expect(failure).not.toBeInstanceOf(EgressFailed);
    expect(failure.message).toBe('the egress proxy timed out while connecting to the receiver');
  });

  it.each([
    '502 Bad Gateway\r\nProxy-Status: "proxy, one"; error=destination_unavailable',
    '503 Service Unavailable\r\nProxy-Status: edge, inner; error="connection_refused"',
    '504 Gateway Timeout\r\nProxy-Status: proxy;error=connection_timeout;details="no, none"',
    '503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111',
  ])("is the receiver's where the proxy says so: %j", async (answer) => {
    const proxy = await proxied();
    proxy.answer = answer;
    expect(await sender(proxy)('https://receiver.example:8443')).toMatchObject({
      kind: 'NO_REPLY',
      stage: 'CONNECT',
      message: 'The connection failed: the egress proxy could not reach the receiver.',
    });
  });

  it('the next address is tried where the first is unreachable, IPv4 first', async () => {
    const proxy = await proxied();
    proxy.answer = '503 x\r\nProxy-Status: proxy; error=connection_refused';
    const lookup = async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const send = sender(proxy, { lookup, allowedNetworks: ['127.0.0.0/8', '::1/128'] });
    expect(await send('https://receiver.example:8443')).toMatchObject({ stage: 'CONNECT' });
    expect(proxy.asked).toEqual(['127.0.0.1:8443', '[::1]:8443']);
  });
});
