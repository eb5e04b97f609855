// The receiver as a program: answers 200 to what comes, /hang… never; counts what it answers, and notes when what arrived.
// ORIGINS=10 makes it ten of them, on as many ports.
// Told by message { expect, note }: from now on count afresh; answers { firstMs, lastMs, received } when so many have come.
import { createServer } from 'node:http';

/** `id`: `data.id` of the body. `header:x-…`: that header. `path`: the path. */
export interface Order {
  expect: number;
  /** When so many have come is noted as `markMs`. */
  mark?: number;
  note?: 'id' | 'path' | `header:${string}`;
  /** So many origins, from the last one, answer nothing. */
  hanging?: number;
}

export interface Received {
  /** When the first one arrived, answered or not. */
  firstMs: number;
  markMs: number;
  lastMs: number;
  count: number;
  /** What was asked to be noted, with the millisecond of its arrival, by the clock that all processes share. */
  arrivals: [key: string, atMs: number][];
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

if (process.send) {
  let order: Order = { expect: Number.POSITIVE_INFINITY };
  let received: Received = { firstMs: 0, markMs: 0, lastMs: 0, count: 0, arrivals: [] };
  const tell = () => process.send?.(received);

  const origins = Number(process.env.ORIGINS ?? 1);
  const listen = (origin: number): Promise<number> => {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      const atMs = nowMs();
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (received.firstMs === 0) received.firstMs = atMs;
        if (path.startsWith('/hang') || origin >= origins - (order.hanging ?? 0)) return;
        response.end('ok');
        received.count += 1;
        received.lastMs = atMs;
        if (received.count === order.mark) received.markMs = atMs;
        const { note } = order;
        if (note === 'path') received.arrivals.push([path, atMs]);
        else if (note === 'id') received.arrivals.push([JSON.parse(Buffer.concat(chunks).toString()).data.id, atMs]);
        else if (note) received.arrivals.push([String(request.headers[note.slice(7)]), atMs]);
        if (received.count === order.expect) tell();
      });
    });
    server.keepAliveTimeout = 60_000;
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)));
  };
  void Promise.all(Array.from({ length: origins }, (_, origin) => listen(origin))).then((ports) => process.send?.({ ports }));
  process.on('message', (message: Order | 'tell') => {
    if (message === 'tell') return tell();
    order = message;
    received = { firstMs: 0, markMs: 0, lastMs: 0, count: 0, arrivals: [] };
    process.send?.('ready');
  });
  process.on('disconnect', () => process.exit());
}
