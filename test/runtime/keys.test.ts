// Tests the keys for secrets at rest: from the environment, or from a file that is made once.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadKeys } from '../../src/runtime/keys.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-keys-'));
});
afterEach(() => rm(dataDir, { recursive: true }));
const file = () => join(dataDir, 'encryption-keys');

test('makes one key, readable by its owner alone, and finds it again', async () => {
  const [key, ...others] = await loadKeys({ encryptionKeys: null, dataDir });
  expect(key).toHaveLength(32);
  expect(others).toEqual([]);
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(await loadKeys({ encryptionKeys: null, dataDir })).toEqual([key]);
});

test('processes that start together agree on one key', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => loadKeys({ encryptionKeys: null, dataDir })));
  expect(new Set(answers.map(([key]) => key?.toString('hex'))).size).toBe(1);
});

test("the environment's keys come first, and then no file is made", async () => {
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  expect(await loadKeys({ encryptionKeys: keys, dataDir })).toBe(keys);
  await expect(readFile(file())).rejects.toMatchObject({ code: 'ENOENT' });
});

test('refuses a damaged file instead of replacing it', async () => {
  await writeFile(file(), 'c2hvcnQ=\n');
  await expect(loadKeys({ encryptionKeys: null, dataDir })).rejects.toMatchObject({ code: 'BAD_KEYS' });
  expect(await readFile(file(), 'utf8')).toBe('c2hvcnQ=\n');
});
