// The receiver as a program: answers 200 to what comes, /hang… never; counts, and notes when what arrived.
// Told by message { expect, note }: from now on count afresh; answers { firstMs, lastMs, received } when so many have come.
import { createServer } from 'node:http';

/** `id`: `data.id` of the body. `header:x-…`: that header. `path`: the path. */
export interface Order {
  expect: number;
  note?: 'id' | 'path' | `header:${string}`;
}

export interface Received {
  firstMs: number;
  lastMs: number;
  count: number;
  /** What was asked to be noted, with the millisecond of its arrival, by the clock that all processes share. */
  arrivals: [key: string, atMs: number][];
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

if (process.send) {
  let order: Order = { expect: Number.POSITIVE_INFINITY };
  let received: Received = { firstMs: 0, lastMs: 0, count: 0, arrivals: [] };
  const tell = () => process.send?.(received);

  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const atMs = nowMs();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (path.startsWith('/hang')) return;
      response.end('ok');
      received.count += 1;
      if (received.count === 1) received.firstMs = atMs;
      received.lastMs = atMs;
      const { note } = order;
      if (note === 'path') received.arrivals.push([path, atMs]);
      else if (note === 'id') received.arrivals.push([JSON.parse(Buffer.concat(chunks).toString()).data.id, atMs]);
      else if (note) received.arrivals.push([String(request.headers[note.slice(7)]), atMs]);
      if (received.count === order.expect) tell();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
  process.on('message', (message: Order | 'tell') => {
    if (message === 'tell') return tell();
    order = message;
    received = { firstMs: 0, lastMs: 0, count: 0, arrivals: [] };
    process.send?.('ready');
  });
  process.on('disconnect', () => process.exit());
}
