// Receives the notifications of all organizations on one port, and keeps a record of each request of its own.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the receiver answers: with 200, with an error, by asking to slow down, by cutting the connection, or never. */
export type Mood = 'well' | 'failing' | 'slowing' | 'cutting' | 'hanging';

export interface Request {
  /** The path names the subscription: `/organization/topic`. */
  path: string;
  deliveryId: string;
  eventId: string;
  /** The organization that the body names. */
  organization: string | undefined;
  atMs: number;
  isAccepted: boolean;
}

export interface Receivers {
  url: string;
  requests: Request[];
  /** The moods by path; all others are well. */
  moods: Map<string, Mood>;
  close(): void;
}

export async function startReceivers(): Promise<Receivers> {
  const requests: Request[] = [];
  const moods = new Map<string, Mood>();
  const answer = (request: IncomingMessage, response: ServerResponse, body: string) => {
    const path = request.url ?? '';
    const mood = moods.get(path) ?? 'well';
    const header = (name: string) => String(request.headers[name] ?? '');
    requests.push({
      path,
      deliveryId: header('x-scope-webhook-job-id'),
      eventId: header('x-scope-event-id'),
      organization: /"organization": ?"([^"]*)"/.exec(body)?.[1],
      atMs: performance.now(),
      isAccepted: mood === 'well',
    });
    if (mood === 'hanging') return;
    if (mood === 'cutting') request.socket.destroy();
    else if (mood === 'slowing') response.writeHead(429, { 'Retry-After': '1' }).end();
    else response.writeHead(mood === 'well' ? 200 : 500).end();
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('error', () => {}).on('end', () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    moods,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
