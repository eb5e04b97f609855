// Tests that a server outlasts its output: a full disk, a reader that has ended, and a pipe that nobody reads.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';

const MODULE = new URL('../../dist/cli/outlast-output.js', import.meta.url).href;
/** Writes 8 MB to both streams, and reports over another channel that it is still alive. */
const PROGRAM = `
  const [{ outlastOutput }, { written }] = await Promise.all([import('${MODULE}'), import('${new URL('./terminal.js', MODULE).href}')]);
  outlastOutput(process.stdout, process.stderr);
  process.once('message', async () => {
    for (let i = 0; i < 8_000; i++) {
      process.stderr.write('e'.repeat(1_000) + '\\n');
      process.stdout.write('o'.repeat(1_000) + '\\n');
    }
    setTimeout(() => process.send('goes on'), 50);
    process.once('message', async () => { await written(process.stdout, process.stderr); process.exit(0); });
  });
  process.send('ready');`;

async function outlasts(stdio: 'pipe' | number, before: (child: ChildProcess) => void = () => {}): Promise<unknown> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { stdio: ['ignore', stdio, stdio, 'ipc'] });
  const exited = once(child, 'exit');
  const next = () => Promise.race([once(child, 'message').then(([text]) => text), exited.then(([code]) => `ended with ${code}`)]);
  expect(await next()).toBe('ready');
  before(child);
  child.send('write');
  expect(await next()).toBe('goes on');
  child.send('end');
  return (await exited)[0];
}

it('goes on while nobody reads its pipes, and ends', async () => {
  expect(await outlasts('pipe')).toBe(0);
});

it('goes on when the readers have closed its pipes', async () => {
  const close = (child: ChildProcess) => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  expect(await outlasts('pipe', close)).toBe(0);
});

it.runIf(existsSync('/dev/full'))('goes on when the disk of its log is full', async () => {
  const full = openSync('/dev/full', 'w');
  expect(await outlasts(full)).toBe(0);
  closeSync(full);
});
