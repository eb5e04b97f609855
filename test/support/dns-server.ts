// Starts a real DNS server on loopback. It answers each question with the next of the given answers, with a TTL of 0.
import { createSocket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';

export interface DnsServer {
  /** The number of questions so far. */
  questions(): number;
  /** `address:port` */
  address: string;
  /** Looks the host up at this server, as Hookgraph's address guard does. */
  lookup(host: string): Promise<LookupAddress[]>;
  /** Decides how the next questions about a name are answered; `answer` uses the given answers. */
  behave: (name: string) => 'answer' | 'silent' | 'SERVFAIL' | 'NXDOMAIN';
  close(): void;
}

/** Starts the server. It repeats the last answer once all answers are used, and answers with IPv4 addresses only. */
export async function startDnsServer(answers: string[][]): Promise<DnsServer> {
  let asked = 0;
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const how = server.behave(nameIn(question));
    const addresses = how === 'answer' ? (answers[Math.min(asked, answers.length - 1)] as string[]) : [];
    asked += 1;
    if (how === 'silent') return;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180 + { answer: 0, SERVFAIL: 2, NXDOMAIN: 3 }[how], 2);
    header.writeUInt16BE(addresses.length, 6);
    header.writeUInt32BE(0, 8);
    const end = question.indexOf(0, 12) + 5;
    // Each record is a name (a pointer to the question's name), type A, class IN, TTL 0 and four bytes of address, as
    // https://www.rfc-editor.org/rfc/rfc1035#section-4.1.3 defines it.
    const records = addresses.map((one) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...one.split('.').map(Number)]));
    socket.send(Buffer.concat([header, question.subarray(12, end), ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    questions: () => asked,
    lookup: async (host) => (await resolver.resolve4(host)).map((address) => ({ address, family: 4 })),
    behave: () => 'answer',
    close: () => void socket.close(),
  };
  return server;
}

/** Reads the name's labels, each preceded by its length, until an empty label. */
function nameIn(question: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; question[at]; at += 1 + (question[at] as number))
    labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] as number)));
  return labels.join('.').toLowerCase();
}
