// Explains why a server can't listen on a port, and finds a free one.
import { createServer } from 'node:net';
import { loopbackAddress } from './loopback.js';
import { RuntimeError } from './runtime-error.js';

/** Number of following ports that are tried. */
const TRIES = 50;

/** Whether the port can be listened on. Rejects for any other failure than a port in use. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function nextFree(host: string, port: number): Promise<number | null> {
  for (let next = port + 1; next <= Math.min(port + TRIES, 65_535); next += 1) if (await isFree(host, next).catch(() => false)) return next;
  return null;
}

/**
 * Returns a function for `.catch()` that explains why a server can't listen.
 * @param advise says how to use another port, such as `PORT=4001`
 */
export function explainPort(host: string, port: number, advise: (free: number) => string): (error: unknown) => Promise<never> {
  return async (cause) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw await inUse(host, port, advise);
    if (code === 'EADDRNOTAVAIL')
      throw new RuntimeError(
        code,
        `This machine has no address ${host} to listen on`,
        `Listen on an address of this machine, such as ${loopbackAddress()}.`,
        { cause },
      );
    if (code === 'EACCES')
      throw new RuntimeError(code, `This user may not listen on port ${port} of ${host}`, 'Use a port above 1023, or run as root.', {
        cause,
      });
    throw cause;
  };
}

async function inUse(host: string, port: number, advise: (free: number) => string): Promise<RuntimeError> {
  const free = await nextFree(host, port);
  const hint = free === null ? 'Stop that program.' : `Stop that program, or use the next free port: \`${advise(free)}\``;
  return new RuntimeError('EADDRINUSE', `Another program uses port ${port} of ${host}`, hint);
}

/** @throws RuntimeError when a server can't listen on the port; see explainPort() */
export async function refuseTakenPort(host: string, port: number, advise: (free: number) => string): Promise<void> {
  if (port === 0 || (await isFree(host, port).catch(explainPort(host, port, advise)))) return;
  throw await inUse(host, port, advise);
}
