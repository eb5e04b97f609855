// Starts a proxy in front of a database that can stop passing bytes on, without closing a connection, as a broken network does.
import type { Socket } from 'node:net';
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.js';

export interface FreezingProxy extends DatabaseProxy {
  /** Passes nothing on, neither over the open connections nor over new ones. */
  freeze(): void;
  /** Passes nothing on over the open connections, as a proxy that lost them; new connections work. */
  swallow(): void;
  thaw(): void;
  /** Closes the open connections. */
  reset(): void;
}

export async function startFreezingProxy(databaseUrl: string, address?: string): Promise<FreezingProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const watch = (...pair: Socket[]) => {
    for (const socket of pair) sockets.add(socket.on('close', () => sockets.delete(socket)));
    // After the proxy has begun to pipe, which makes the sockets flow.
    if (frozen) queueMicrotask(() => pair.map((socket) => socket.pause()));
  };
  const proxy = await startDatabaseProxy(databaseUrl, watch, address);
  const each = (act: (socket: Socket) => void) => {
    for (const socket of sockets) act(socket);
  };
  return {
    ...proxy,
    freeze() {
      frozen = true;
      each((socket) => socket.pause());
    },
    swallow: () => each((socket) => socket.pause()),
    reset: () => each((socket) => socket.destroy()),
    thaw() {
      frozen = false;
      each((socket) => socket.resume());
    },
  };
}
