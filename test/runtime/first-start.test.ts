// Tests what a first start depends on: the loopback address, a free port, a data folder, and a user for Postgres.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { makeDataDir } from '../../src/runtime/data-dir.js';
import { explainPort, refuseTakenPort } from '../../src/runtime/free-port.js';
import { loopbackAddress } from '../../src/runtime/loopback.js';
import { findPostgresBinaries } from '../../src/runtime/postgres/binaries.js';
import { chooseUser } from '../../src/runtime/postgres/cluster.js';

const execute = promisify(execFile);
const byPort = (free: number) => `PORT=${free}`;

it('this machine is reached by IPv4 where it has that, else by IPv6', () => {
  const lo = (...families: string[]) => ({ lo: families.map((family) => ({ family, internal: true })) }) as never;
  expect(loopbackAddress(lo('IPv4', 'IPv6'))).toBe('127.0.0.1');
  expect(loopbackAddress(lo('IPv6'))).toBe('::1');
  expect(loopbackAddress({ eth0: [{ family: 'IPv6', internal: false }] } as never)).toBe('127.0.0.1');
});

it('a taken port is refused with the next free one', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const refusal = await refuseTakenPort('127.0.0.1', port, byPort).catch((error) => error);
  expect(refusal).toMatchObject({
    name: 'RuntimeError',
    code: 'EADDRINUSE',
    message: `Another program uses port ${port} of 127.0.0.1`,
    hint: expect.stringMatching(/^Stop that program, or use the next free port: `PORT=\d+`$/),
  });
  expect(Number(/\d+/.exec(refusal.hint)?.[0])).toBeGreaterThan(port);
  server.close();
  await once(server, 'close');
});

it('an address that this machine lacks, and a port that needs root, are refused with what to do', async () => {
  await expect(refuseTakenPort('192.0.2.1', 4000, byPort)).rejects.toMatchObject({ name: 'RuntimeError', code: 'EADDRNOTAVAIL' });
  const refusal = Object.assign(new Error('listen EACCES'), { code: 'EACCES' });
  await expect(explainPort('127.0.0.1', 80, byPort)(refusal)).rejects.toMatchObject({ hint: 'Use a port above 1023, or run as root.' });
});

it('a data folder that can’t be made is refused with the variable to set', async () => {
  await expect(makeDataDir('/dev/null/data')).rejects.toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
    message: "The data folder /dev/null/data can't be written (ENOTDIR)",
    hint: expect.stringContaining('HOOKGRAPH_DATA_DIR'),
  });
});

it.runIf(process.getuid?.() === 0)('Postgres runs for root out of a folder that only root may enter', async () => {
  const home = await mkdtemp(join(tmpdir(), 'hookgraph-home-'));
  try {
    const { initdb } = await findPostgresBinaries();
    const native = join(home, 'native');
    const from = dirname(dirname(initdb));
    // Makes links, because they are quicker than copies; copies if the temporary folder is on another disk.
    await execute('cp', ['-al', from, native]).catch(() => execute('cp', ['-a', from, native]));
    const [own, postgres] = ['initdb', 'postgres'].map((name) => join(native, 'bin', name)) as [string, string];
    const { prefix } = await chooseUser(null, [postgres, home]);
    const [command = own, ...rest] = [...prefix, own, '--version'];
    // initdb would print a warning here if it couldn't read its own program.
    const { stdout, stderr } = await execute(command, rest, { cwd: '/' });
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^initdb \(PostgreSQL\)/), '']);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
