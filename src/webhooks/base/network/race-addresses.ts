// Connects to the first of several addresses that accepts a TCP connection, as https://www.rfc-editor.org/rfc/rfc8305 describes.
import type { LookupAddress } from 'node:dns';
import { connect, type Socket } from 'node:net';

/** Milliseconds between the starts of two attempts, as https://www.rfc-editor.org/rfc/rfc8305#section-8 recommends. */
const ATTEMPT_DELAY_MS = 250;

/** Maximum number of addresses to try, so that a name with many addresses can't make this process flood them. */
const MAX_ADDRESSES = 16;

/**
 * Starts an attempt every ATTEMPT_DELAY_MS, or at once when an attempt fails. Attempts run side by side; the first connection is
 * returned, and the other attempts are closed.
 * @throws the error of the only address, an AggregateError of the errors in the order of the addresses, or the signal's reason
 */
export function raceAddresses(addresses: readonly LookupAddress[], port: number, signal: AbortSignal): Promise<Socket> {
  const order = alternateFamilies(addresses).slice(0, MAX_ADDRESSES);
  return new Promise((resolve, reject) => {
    const racing = new Set<Socket>();
    const failures: Error[] = [];
    let started = 0;
    let timer: NodeJS.Timeout | undefined;

    function end(winner?: Socket): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      started = order.length;
      for (const socket of racing) if (socket !== winner) socket.destroy();
      racing.clear();
    }
    function abort(): void {
      end();
      reject(signal.reason);
    }
    function startNext(): void {
      clearTimeout(timer);
      const address = order[started];
      if (address === undefined) return;
      const index = started++;
      const socket = connect({ host: address.address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
      racing.add(socket);
      // The listener must stay: an unhandled socket error between connect and TLS would end the process.
      socket.on('error', (error) => {
        if (racing.delete(socket)) fail(index, error);
      });
      socket.once('connect', () => {
        if (!racing.has(socket)) return;
        end(socket);
        resolve(socket);
      });
      if (started < order.length) timer = setTimeout(startNext, ATTEMPT_DELAY_MS);
    }
    function fail(index: number, error: Error): void {
      failures[index] = error;
      if (started < order.length) {
        startNext();
        return;
      }
      if (racing.size > 0) return;
      end();
      reject(order.length === 1 ? error : new AggregateError(failures, error.message));
    }

    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    startNext();
  });
}

/**
 * Alternates the address families, as https://www.rfc-editor.org/rfc/rfc8305#section-4 describes, beginning with the family of the
 * first address. Keeps the resolver's order within each family.
 */
export function alternateFamilies(addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return Array.from({ length: Math.max(first.length, second.length) }, (_, index) => [first[index], second[index]])
    .flat()
    .filter((address) => address !== undefined);
}
