// Listens on a loopback address whose kernel accepts no connection until `letIn` is called, like a receiver that is far
// away or dead.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * The listening process sends itself SIGSTOP, with a backlog of one connection. Linux drops further connection attempts;
 * a client repeats an attempt a second later.
 */
const LISTENER = `
  const server = require('node:net').createServer((socket) => socket.on('error', () => {}).end());
  server.listen({ port: Number(process.argv[1]), host: process.argv[2], backlog: 1 }, () => {
    process.stdout.write(String(server.address().port), () => process.kill(process.pid, 'SIGSTOP'));
  });`;

export interface SlowAddress {
  port: number;
  /**
   * Accepts connections from now on. A dropped connection attempt succeeds with its next packet, a second after its
   * first packet.
   */
  letIn(): void;
  close(): void;
}

export async function startSlowAddress(address: string, port = 0): Promise<SlowAddress> {
  const child = spawn(process.execPath, ['-e', LISTENER, String(port), address], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const listening = Number(text);
  const filling: Socket[] = [];
  for (let count = 0; count < 2; count++) {
    const socket = connect(listening, address).on('error', () => {});
    filling.push(socket);
    await once(socket, 'connect');
  }
  return {
    port: listening,
    letIn: () => void child.kill('SIGCONT'),
    close() {
      for (const socket of filling) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
