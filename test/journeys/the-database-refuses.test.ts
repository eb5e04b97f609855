// Promise: while Postgres refuses or resets connections, no process ends, the log says once what helps, and nothing is lost.
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database-proxy.js';
import { LAST_NAME, makeOrganization, nameIn, type Organization } from '../support/organization.js';
import { type Process, type Product, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const TROUBLE_MS = Number(process.env.TROUBLE_MS ?? 8000);

let product: Product;
let receiver: Receiver;
let acme: Organization;
let proxy: DatabaseProxy;
let sockets: Set<Socket>;
let isFull: boolean;
beforeEach(async () => {
  isFull = false;
  sockets = new Set();
  [product, receiver] = await Promise.all([startProduct({ command: 'api' }), startReceiver()]);
  acme = await makeOrganization(product.pool);
  proxy = await startDatabaseProxy(product.db.url, (client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    if (isFull) client.once('data', () => client.end(TOO_MANY));
  });
});
afterEach(() => Promise.all([product.close(), receiver.close(), proxy.close()]));

/** Postgres' answer to a login when all of its connections are taken. */
const TOO_MANY = (() => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0');
  const head = Buffer.alloc(5, 'E');
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
})();

const resetAll = () => {
  for (const socket of sockets) socket.resetAndDestroy();
};
const alive = ({ child }: Process) => child.exitCode === null && child.signalCode === null;
interface Line {
  level: string;
  msg: string;
  cause?: string;
  advice?: string;
  err?: { message: string; code?: string };
  error?: { message: string };
}
const linesOf = ({ output }: Process) =>
  output()
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));

it.each([
  ['refuses connections because it has none left', 1_000_000],
  ['resets each connection every two seconds', 2000],
])('goes on by itself after Postgres %s', async (_name, everyMs) => {
  const { recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  const env = { DATABASE_URL: proxy.url, HOOKGRAPH_LOG_LEVEL: 'info' };
  const [worker, api] = await Promise.all([product.start('worker', env), product.start('api', { ...env, PORT: '0' })]);
  await acme.insertUsers(['first']);
  await receiver.waitFor(1);

  const isRefusing = everyMs > TROUBLE_MS;
  isFull = isRefusing;
  const endAt = Date.now() + TROUBLE_MS;
  const committed = ['first'];
  for (let resetAt = 0; Date.now() < endAt; await wait(250)) {
    if (Date.now() >= resetAt) {
      resetAll();
      resetAt = Date.now() + everyMs;
    }
    committed.push(`during-${committed.length}`);
    await acme.insertUsers([committed.at(-1) as string]);
  }
  isFull = false;
  await until('all are delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === committed.length);
  expect([...new Set(receiver.requests.map(nameIn))].sort()).toEqual([...committed].sort());
  expect([worker, api].map(alive)).toEqual([true, true]);
  // Each cause has one line with its error, whatever fails by it, and then one for every ten seconds.
  for (const one of [worker, api]) {
    const said = linesOf(one).filter(({ level, msg }) => /warn|error/.test(level) && !/event loop|loops of the worker/.test(msg));
    // The sample's own pool logs by itself.
    const withError = said.filter(({ err, error }) => err ?? error).map(({ msg, err }) => `${err ? '' : 'sample: '}${msg}`);
    expect(withError).toEqual([...new Set(withError)]);
    expect(said.filter(({ err, error, cause }) => !(err ?? error) && !cause)).toEqual([]);
  }
  const full = linesOf(worker).filter(({ err }) => err?.code === '53300');
  expect(full.map(({ advice }) => advice)).toEqual(isRefusing ? [expect.stringMatching(/^Raise max_connections/)] : []);
  expect(await unbalanced(product.pool)).toEqual([]);
});
