// Runs the bench's receiver: answers 200, except at /hang…, where it never answers; counts answers and records arrival times. ORIGINS=10
// opens ten ports. The message { expect, note } restarts the count; the receiver replies with a `Received` after `expect` requests.
import { createServer } from 'node:http';

/** `note`: the recorded value of each request: `id` means `data.id` of the body, `header:x-…` that header, and `path` the path. */
export interface Order {
  expect: number;
  /** The number of requests after which the time is recorded as `markMs`. */
  mark?: number;
  note?: 'id' | 'path' | `header:${string}`;
  /** Number of origins, counted from the last, that never answer. */
  hanging?: number;
}

export interface Received {
  /** Time of the first request, whether it was answered or not. */
  firstMs: number;
  markMs: number;
  lastMs: number;
  count: number;
  /** The noted values, each with its arrival in milliseconds on the clock that all processes share. */
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
