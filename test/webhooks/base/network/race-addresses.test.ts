// Tests with real sockets which of several addresses gets the connection.
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, isIP, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { createGuard } from '../../../../src/webhooks/base/network/address-guard.js';
import { alternateFamilies, raceAddresses } from '../../../../src/webhooks/base/network/race-addresses.js';
import { startSlowAddress } from '../../../support/slow-address.js';
import { until } from '../../../support/until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const addressesOf = (...all: string[]): LookupAddress[] => all.map((address) => ({ address, family: isIP(address) }));
/** Milliseconds until a far receiver answers: more than the pause before the second address is tried. */
const FAR_MS = 400;
const within = (ms: number) => AbortSignal.timeout(ms);

async function listen(address: string, port = 0): Promise<{ port: number; sockets: Socket[]; server: Server }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume()));
  server.listen(port, address);
  await once(server, 'listening');
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, server };
}

async function slow(address: string, port = 0) {
  const one = await startSlowAddress(address, port);
  open.push(one.close);
  return one;
}

/** Whether the kernel still tries to connect to the port: state 02 is SYN_SENT, https://docs.kernel.org/networking/proc_net_tcp.html */
const isTrying = (port: number) =>
  new RegExp(`:${port.toString(16).padStart(4, '0')} 02 `, 'i').test(readFileSync('/proc/net/tcp', 'utf8'));

function keep(socket: Socket): Socket {
  open.push(() => socket.destroy());
  return socket;
}

it('reaches a slow first address although the second is dead', async () => {
  const far = await slow('127.0.0.2');
  await slow('127.0.0.3', far.port);
  const racing = raceAddresses(addressesOf('127.0.0.2', '127.0.0.3'), far.port, within(20_000));
  setTimeout(far.letIn, FAR_MS);
  expect(keep(await racing).remoteAddress).toBe('127.0.0.2');
});

it('the guard does, too', async () => {
  const far = await slow('127.0.0.2');
  await slow('127.0.0.3', far.port);
  const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'], lookup: async () => addressesOf('127.0.0.2', '127.0.0.3') });
  open.push(guard.close);
  const connecting = new Promise<Socket>((resolve, reject) => {
    const target = { hostname: 'far.example', host: 'far.example', port: String(far.port), protocol: 'http:' };
    guard.connect(target, (error, socket) => (error ? reject(error) : resolve(socket)));
  });
  setTimeout(far.letIn, FAR_MS);
  expect(keep(await connecting).remoteAddress).toBe('127.0.0.2');
});

it('the guard gives up at one deadline for the lookup, the connection and TLS together', async () => {
  const { port, sockets } = await listen('127.0.0.1');
  // If a second deadline began after the lookup, it would end after this timer.
  let isLate = false;
  const lookup = async () => {
    await wait(400);
    setTimeout(() => {
      isLate = true;
    }, 600);
    return addressesOf('127.0.0.1');
  };
  const guard = createGuard({ allowedNetworks: ['127.0.0.0/8'], lookup, limits: { requestMs: 2000, connectMs: 800 } });
  open.push(guard.close);
  const connecting = new Promise<Socket>((resolve, reject) => {
    const target = { hostname: 'mute.example', host: 'mute.example', port: String(port), protocol: 'https:' };
    guard.connect(target, (error, socket) => (error ? reject(error) : resolve(socket)));
  });
  await expect(connecting).rejects.toThrow('No connection within 0.8 seconds');
  expect(isLate).toBe(false);
  await until('the connection is closed', () => sockets.length === 1 && sockets.every(({ closed }) => closed));
});

it('goes on to the second address after 250 ms, and ends the attempt at the first', async () => {
  const dead = await slow('127.0.0.2');
  await listen('127.0.0.3', dead.port);
  const started = performance.now();
  const racing = raceAddresses(addressesOf('127.0.0.2', '127.0.0.3'), dead.port, within(20_000));
  await until('it tries', () => isTrying(dead.port));
  const socket = keep(await racing);
  expect(socket.remoteAddress).toBe('127.0.0.3');
  expect(performance.now() - started).toBeGreaterThan(240);
  await until('no attempt is left', () => !isTrying(dead.port));
});

it('goes on at once from an address that refuses', async () => {
  const { port } = await listen('127.0.0.9');
  const all = addressesOf(...Array.from({ length: 8 }, (_, last) => `127.0.0.${last + 2}`));
  // No timer fires, so only a refusal starts the next attempt.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  expect(keep(await raceAddresses(all, port, within(20_000))).remoteAddress).toBe('127.0.0.9');
});

it('fails with the errors of all addresses in their order, or with that of the only one', async () => {
  const { port, server } = await listen('127.0.0.2');
  server.close();
  await once(server, 'close');
  const failed = await raceAddresses(addressesOf('127.0.0.2', '127.0.0.3'), port, within(20_000)).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(AggregateError);
  expect((failed as AggregateError).errors).toMatchObject([
    { code: 'ECONNREFUSED', address: '127.0.0.2' },
    { code: 'ECONNREFUSED', address: '127.0.0.3' },
  ]);
  await expect(raceAddresses(addressesOf('127.0.0.2'), port, within(20_000))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('ends all attempts when the signal aborts', async () => {
  const dead = await slow('127.0.0.2');
  await slow('127.0.0.3', dead.port);
  const late = new Error('late');
  const signal = new AbortController();
  const racing = raceAddresses(addressesOf('127.0.0.2', '127.0.0.3'), dead.port, signal.signal);
  signal.abort(late);
  await expect(racing).rejects.toBe(late);
  await until('no attempt is left', () => !isTrying(dead.port));
  await expect(raceAddresses(addressesOf('127.0.0.2'), dead.port, signal.signal)).rejects.toBe(late);
});

it('tries at most sixteen addresses', async () => {
  const { port } = await listen('127.0.0.42');
  const all = addressesOf(...Array.from({ length: 40 }, (_, last) => `127.0.0.${last + 3}`));
  const failed = (await raceAddresses(all, port, within(20_000)).catch((error: unknown) => error)) as AggregateError;
  expect(failed.errors).toHaveLength(16);
});

it('alternates the families, and begins with the one that the resolver prefers', () => {
  const order = (...all: string[]) => alternateFamilies(addressesOf(...all)).map(({ address }) => address);
  expect(order('::1', '::2', '::3', '192.0.2.1', '192.0.2.2')).toEqual(['::1', '192.0.2.1', '::2', '192.0.2.2', '::3']);
  expect(order('192.0.2.1', '192.0.2.2', '::1')).toEqual(['192.0.2.1', '::1', '192.0.2.2']);
  expect(order('::1')).toEqual(['::1']);
  expect(order()).toEqual([]);
});
