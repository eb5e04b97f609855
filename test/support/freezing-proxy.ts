// Starts a proxy in front of a database that can stop passing bytes on, without closing a connection, as a broken network does.
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface FreezingProxy {
  /** The URL of the same database through the proxy. */
  url: string;
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export async function startFreezingProxy(databaseUrl: string): Promise<FreezingProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer({ noDelay: true }, (client) => {
    const database = connect({ port: Number(target.port || 5432), host: target.hostname, noDelay: true });
    client.pipe(database).pipe(client);
    for (const socket of [client, database]) {
      sockets.add(socket);
      if (frozen) socket.pause();
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        database.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const all = (act: (socket: Socket) => void) => {
    for (const socket of sockets) act(socket);
  };
  return {
    url: url.href,
    freeze() {
      frozen = true;
      all((socket) => socket.pause());
    },
    thaw() {
      frozen = false;
      all((socket) => socket.resume());
    },
    close: () =>
      new Promise((resolve) => {
        all((socket) => socket.destroy());
        server.close(() => resolve());
      }),
  };
}
