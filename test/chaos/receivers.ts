// Receives the notifications, before-hook calls and SNS messages of all organizations on one port, and keeps its own record of each
// request.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the receiver answers: with 200, with an error, with a request to slow down, by cutting the connection, or not at all. */
export type Mood = 'well' | 'failing' | 'slowing' | 'cutting' | 'hanging';

export interface Request {
  /** The path names the subscription: `/organization/topic`, and `/organization/sns` for SNS. */
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
  /** The names of the groups that a before-hook has allowed. */
  allowed: Set<string>;
  /** The calls of before-hooks with a group of another organization. */
  strange: string[];
  /** The moods by path. Default: `well`. */
  moods: Map<string, Mood>;
  close(): void;
}

/** The ending of the paths of before-hooks. */
export const HOOK = '/before';
const CANCEL_TYPE = 'application/vnd.opsani.servo.errors.CancelEventError+json';
const PUBLISHED = '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>';

/** Parses a message to SNS: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html. The topic has the organization's name. */
function readMessage(body: string) {
  const parameters = new URLSearchParams(body);
  const attributes = new Map<string, string | null>();
  for (let entry = 1; parameters.has(`MessageAttributes.entry.${entry}.Name`); entry++)
    attributes.set(
      String(parameters.get(`MessageAttributes.entry.${entry}.Name`)),
      parameters.get(`MessageAttributes.entry.${entry}.Value.StringValue`),
    );
  return {
    path: `/${parameters.get('TopicArn')?.split(':').at(-1)}/sns`,
    deliveryId: String(attributes.get('delivery_id')),
    eventId: String(attributes.get('event_id')),
    text: parameters.get('Message') ?? '',
  };
}

export async function startReceivers(address: string): Promise<Receivers> {
  const requests: Request[] = [];
  const [allowed, strange] = [new Set<string>(), [] as string[]];
  const moods = new Map<string, Mood>();
  const answer = (request: IncomingMessage, response: ServerResponse, body: string) => {
    const message = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ? readMessage(body) : null;
    const path = message?.path ?? request.url ?? '';
    const mood = moods.get(path) ?? 'well';
    if (path.endsWith(HOOK) && mood === 'well') return answerHook(path, body, response);
    const header = (name: string) => String(request.headers[name] ?? '');
    if (!path.endsWith(HOOK))
      requests.push({
        path,
        deliveryId: message?.deliveryId ?? header('x-scope-webhook-job-id'),
        eventId: message?.eventId ?? header('x-scope-event-id'),
        organization: /"organization": ?"([^"]*)"/.exec(message?.text ?? body)?.[1],
        atMs: performance.now(),
        isAccepted: mood === 'well',
      });
    if (mood === 'hanging') return;
    if (mood === 'cutting') request.socket.destroy();
    else if (mood === 'slowing') response.writeHead(429, { 'Retry-After': '1' }).end();
    else if (mood === 'well' && message) response.writeHead(200, { 'content-type': 'text/xml' }).end(PUBLISHED);
    else response.writeHead(mood === 'well' ? 200 : 500).end();
  };
  const answerHook = (path: string, body: string, response: ServerResponse) => {
    const name = String(/"name": ?"([^"]*)"/.exec(body)?.[1]);
    if (!path.startsWith(`/${name.split(' ')[0]}/`)) strange.push(`${path}: ${name}`);
    if (name.includes('refused')) response.writeHead(200, { 'content-type': CANCEL_TYPE }).end('{"reason": "its name says so"}');
    else {
      allowed.add(name);
      response.writeHead(200).end();
    }
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('error', () => {}).on('end', () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    requests,
    allowed,
    strange,
    moods,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
