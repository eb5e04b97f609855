// Starts a proxy in front of a database that can stop passing bytes on, without closing a connection, as a broken network does.
import type { Socket } from 'node:net';
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.js';

export interface FreezingProxy extends DatabaseProxy {
  /** Stops passing data on, over open and new connections. */
  freeze(): void;
  /** Stops passing data on over the open connections, like a proxy that has lost them. New connections work. */
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
    // Pauses later, because the proxy is about to pipe the sockets, which makes them flow.
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
