// Forwards TCP connections. On demand, discards all data of the connections that are open, but keeps them open.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SwallowingProxy {
  port: number;
  /** The number of connections so far. */
  connections(): number;
  /** Discards all data of the connections that are open now. New connections work. */
  swallow(): void;
  close(): void;
}

export async function startSwallowingProxy(targetPort: number): Promise<SwallowingProxy> {
  const pairs: [Socket, Socket][] = [];
  const server = createServer((inner) => {
    const outer = connect(targetPort, '127.0.0.1');
    pairs.push([inner, outer]);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const)
      from.on('error', () => to.destroy()).pipe(to);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => pairs.length,
    swallow() {
      for (const socket of pairs.flat()) socket.unpipe().resume();
    },
    close() {
      for (const socket of pairs.flat()) socket.destroy();
      server.close();
    },
  };
}
