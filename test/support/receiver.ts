// Starts a real HTTP receiver on loopback that keeps every request and answers as configured.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The time when the request's head arrived, in milliseconds since the epoch. */
  at: number;
}

export interface Receiver {
  url: string;
  requests: Received[];
  /** Answers the next requests; default: with 200. */
  answer: (response: ServerResponse, request: Received) => void;
  /** Waits until at least `count` requests have arrived and returns all of them. */
  waitFor(count: number, timeoutMs?: number): Promise<Received[]>;
  close(): Promise<void>;
}

export async function startReceiver(answer: Receiver['answer'] = (response) => void response.end()): Promise<Receiver> {
  const requests: Received[] = [];
  const server = createServer((request, response) => {
    const at = Date.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const received = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), at };
      requests.push(received);
      receiver.answer(response, received);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer,
    async waitFor(count, timeoutMs = 180_000) {
      await expect.poll(() => requests.length, { timeout: timeoutMs, interval: 10 }).toBeGreaterThanOrEqual(count);
      return requests;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}
