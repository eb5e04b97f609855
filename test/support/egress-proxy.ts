// Starts a real CONNECT proxy on loopback that records requests, and works or fails as configured.
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { tlsFile } from './tls-file.js';

export interface EgressProxy {
  /** The proxy's URL with its credentials. */
  url: string;
  /** The `host:port` of each CONNECT request, in order. */
  asked: string[];
  /** The proxy's behaviour for the next requests: it works, hangs, or answers with this status line. */
  answer: 'work' | 'hang' | string;
  /** Closes the port until `start` is called. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export const PROXY_PASSWORD = 'pa:ss%40word';

export async function startEgressProxy({ secure = false } = {}): Promise<EgressProxy> {
  const expected = `Basic ${Buffer.from(`hook:${PROXY_PASSWORD}`).toString('base64')}`;
  const sockets = new Set<Duplex>();
  let port = 0;
  let server: Server;
  const proxy: EgressProxy = {
    url: '',
    asked: [],
    answer: 'work',
    async start() {
      server = secure ? createSecureServer({ key: tlsFile('key'), cert: tlsFile('receiver') }) : createServer();
      server.on('connection', (socket: Socket) => sockets.add(socket));
      server.on('connect', ({ url = '', headers }, client: Duplex) => {
        proxy.asked.push(url);
        client.on('error', () => {});
        if (proxy.answer === 'hang') return;
        const refuse = (head: string) => client.end(`HTTP/1.1 ${head}\r\n\r\n`);
        if (headers['proxy-authorization'] !== expected) return refuse('407 Proxy Authentication Required');
        if (proxy.answer !== 'work') return refuse(proxy.answer);
        const { hostname, port: wanted } = new URL(`http://${url}`);
        const target = connect({ host: hostname, port: Number(wanted) }, () => {
          client.write('HTTP/1.1 200 Connection established\r\n\r\n');
          target.pipe(client).pipe(target);
        });
        sockets.add(target);
        target.on('error', () => refuse('503 Service Unavailable\r\nProxy-Status: test; error=connection_refused'));
      });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      ({ port } = server.address() as AddressInfo);
      proxy.url = `http${secure ? 's' : ''}://hook:${encodeURIComponent(PROXY_PASSWORD)}@127.0.0.1:${port}`;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    close: () => (server.listening ? proxy.stop() : Promise.resolve()),
  };
  await proxy.start();
  return proxy;
}
