// Starts a proxy in front of a database. Support files build on it: counting-proxy.ts and freezing-proxy.ts.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface DatabaseProxy {
  /** The URL of the same database through the proxy. */
  url: string;
  /** Leads new connections to another server. */
  leadTo(databaseUrl: string): void;
  close(): Promise<void>;
}

/**
 * @param onConnection receives the client's socket and the database's socket of each new connection
 * @param address the address at which it listens
 */
export async function startDatabaseProxy(
  databaseUrl: string,
  onConnection: (client: Socket, database: Socket) => void,
  address = '127.0.0.1',
): Promise<DatabaseProxy> {
  let target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const database = connect({ port: Number(target.port || 5432), host: target.hostname, noDelay: true });
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        database.destroy();
      });
    }
    onConnection(client, database);
    client.pipe(database).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const url = new URL(databaseUrl);
  url.hostname = address;
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    leadTo(databaseUrl) {
      target = new URL(databaseUrl);
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
