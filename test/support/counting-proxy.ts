// Starts a proxy in front of a database that counts the statements which any process sends through it.
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.js';

export interface CountingProxy extends DatabaseProxy {
  /** The number of statements executed since the last call. */
  take(): number;
}

export async function startCountingProxy(databaseUrl: string): Promise<CountingProxy> {
  let count = 0;
  const proxy = await startDatabaseProxy(databaseUrl, (client) => {
    client.on(
      'data',
      countExecutions(() => {
        count += 1;
      }),
    );
  });
  return {
    ...proxy,
    take() {
      const taken = count;
      count = 0;
      return taken;
    },
  };
}

const UNCOUNTED = /pg_is_in_recovery\(\)|^(BEGIN|COMMIT|ROLLBACK)/;

/**
 * Parses the messages of a client, whose format https://www.postgresql.org/docs/current/protocol-message-formats.html
 * defines: a start-up message (length, body), then messages (type, length, body). Each Query or Execute message runs a
 * statement. Doesn't count the check of each new connection, BEGIN, COMMIT or ROLLBACK: their number depends on timing.
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
      if (type === 'E' || (type === 'Q' && !UNCOUNTED.test(rest.toString('latin1', header, length)))) onExecution();
      rest = rest.subarray(length);
      started = true;
    }
  };
}
