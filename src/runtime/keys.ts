// The configuration in, the keys for secrets at rest out: 32 bytes each, newest first.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.js';
import { decodeKey } from './config-texts.js';
import { createPrivateFile, writePrivateFile } from './private-file.js';
import { RuntimeError } from './runtime-error.js';

/** The environment's keys, else those of the data folder, where one is made the first time. */
export async function loadKeys(config: Pick<Config, 'encryptionKeys' | 'dataDir'>): Promise<Buffer[]> {
  if (config.encryptionKeys) return config.encryptionKeys;
  const path = keyFile(config);
  await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
  let text = await readKeys(path);
  if (text === null) {
    // Processes that start together agree on the key of the quickest.
    await createPrivateFile(path, `${newKey()}\n`);
    text = await readKeys(path);
  }
  const keys = (text ?? '').split(/\s+/).filter(Boolean).map(decodeKey);
  if (keys.length === 0 || keys.some((key) => key.length !== 32))
    throw new RuntimeError(
      'BAD_KEYS',
      `${path} must hold one key a line, newest first, each the base64 of 32 bytes`,
      'Restore it from a backup.',
    );
  return keys;
}

/** Puts a new key before those of the data folder and answers all of them. Two at once would lose one: the caller sees to that. */
export async function addKey(config: Pick<Config, 'dataDir'>): Promise<Buffer[]> {
  const before = await loadKeys({ encryptionKeys: null, dataDir: config.dataDir });
  const lines = [newKey(), ...before.map((key) => key.toString('base64'))];
  await writePrivateFile(keyFile(config), `${lines.join('\n')}\n`);
  return loadKeys({ encryptionKeys: null, dataDir: config.dataDir });
}

/** Where generated keys are kept. */
export function keyFile({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'encryption-keys');
}

const newKey = (): string => randomBytes(32).toString('base64');

async function readKeys(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
