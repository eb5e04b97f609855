// Starts a proxy in front of a database that counts the statements which any process sends through it.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface CountingProxy {
  /** The URL of the same database through the proxy. */
  url: string;
  /** The number of statements executed since the last call. */
  take(): number;
  close(): Promise<void>;
}

export async function startCountingProxy(databaseUrl: string): Promise<CountingProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    const database = connect(Number(target.port || 5432), target.hostname);
    const messages = countExecutions(() => {
      count += 1;
    });
    client.on('data', messages);
    client.pipe(database).pipe(client);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        database.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    take() {
      const taken = count;
      count = 0;
      return taken;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/**
 * Parses the messages of a client, whose format https://www.postgresql.org/docs/current/protocol-message-formats.html
 * defines: a start-up message (length, body), then messages (type, length, body). Each Query or Execute message runs a
 * statement.
 */
function countExecutions(onExecution: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const header = started ? 5 : 4;
      if (rest.length < header) return;
      const length = rest.readInt32BE(header - 4) + header - 4;
      if (rest.length < length) return;
      const type = started ? String.fromCharCode(rest[0] as number) : '';
      if (type === 'Q' || type === 'E') onExecution();
      rest = rest.subarray(length);
      started = true;
    }
  };
}
