import { createServer, get as getHttp, type Server } from 'node:http';
import { get as getHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import type { Guard } from '../../../../src/webhooks/base/network/guard.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function receiver(): Promise<{ port: number; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer(({ url, headers }, response) => {
    asked.push(`${headers.host}${url}`);
    response.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => server.closeAllConnections() ?? server.close() });
  return { port: (server.address() as AddressInfo).port, asked, server };
}

function guarded(settings: Parameters<typeof createGuard>[0]): Guard {
  const guard = createGuard(settings);
  open.push(guard);
  return guard;
}

/** Requests the URL by node:http, as an SDK does, and returns the answer. */
const ask = (guard: Guard, url: string, options = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? getHttps : getHttp;
    get(url, { agent: url.startsWith('https:') ? guard.httpsAgent : guard.httpAgent, ...options }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    }).on('error', reject);
  });

describe('the guard of node:http and node:https', () => {
  it('lets through what is allowed', async () => {
    const { port, asked } = await receiver();
    const guard = guarded({ allowedNetworks: LOOPBACK });
    expect(await ask(guard, `http://localhost:${port}/a`)).toBe('hello');
    expect(await ask(guard, `http://127.0.0.1:${port}/b`)).toBe('hello');
    expect(asked).toEqual([`localhost:${port}/a`, `127.0.0.1:${port}/b`]);
  });

  it.each(['http://127.0.0.1', 'https://127.0.0.1', 'https://localhost', 'https://[::1]', 'https://[::ffff:127.0.0.1]'])(
    'refuses %s outside of the allowed networks',
    async (origin) => {
      const { port, asked } = await receiver();
      await expect(ask(guarded({ allowedNetworks: [] }), `${origin}:${port}/`)).rejects.toThrow(/^Refused to connect/);
      expect(asked).toEqual([]);
    },
  );

  it('refuses a host that was never a URL, and a Unix socket', async () => {
    const guard = guarded({ allowedNetworks: [] });
    for (const host of ['127.1', '2130706433', '0x7f.1', 'localhost.', '::1', '::1%lo'])
      await expect(ask(guard, 'https://receiver.example:8443/', { host, hostname: host })).rejects.toThrow(/^Refused to connect/);
    await expect(ask(guard, 'http://receiver.example/', { socketPath: '/var/run/docker.sock' })).rejects.toThrow(/^Refused to connect/);
  });
});

describe('our own parts', () => {
  const viaUndici = async (guard: Guard, url: string) => {
    const agent = new Agent({ connect: guard.connect });
    open.push(agent);
    return (await request(url, { dispatcher: agent })).statusCode;
  };

  it.each(['127.0.0.1', 'localhost', '0.0.0.0', '::'])(
    'that listen on %s are refused in an allowed network, from the moment that they are known',
    async (host) => {
      const { port, asked } = await receiver();
      const other = await receiver();
      const guard = guarded({ allowedNetworks: ['0.0.0.0/0', '::/0'] });
      const url = `http://127.0.0.1:${port}/`;
      expect(await viaUndici(guard, url)).toBe(200);
      expect(await guard.vetUrl(url)).toBeNull();
      guard.forbid({ host, port });
      for (const name of ['127.0.0.1', 'localhost', '0.0.0.0', '[::ffff:127.0.0.1]', '[::1]', '[::]', '127.1.2.3']) {
        await expect(viaUndici(guard, `http://${name}:${port}/`)).rejects.toThrow(/belongs to Hookgraph itself/);
        await expect(ask(guard, `http://${name}:${port}/`)).rejects.toThrow(/belongs to Hookgraph itself/);
        expect(await guard.vetUrl(`http://${name}:${port}/`)).toMatchObject({
          message: expect.stringContaining('belongs to Hookgraph itself'),
        });
      }
      expect(asked).toHaveLength(1);
      // Another port on the same machine isn't protected.
      expect(await viaUndici(guard, `http://127.0.0.1:${other.port}/`)).toBe(200);
    },
  );
});
