// Loads the 32-byte keys that encrypt secrets at rest, newest first.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.js';
import { decodeKey } from './config-texts.js';
import { makeDataDir } from './data-dir.js';
import { createPrivateFile, writePrivateFile } from './private-file.js';
import { RuntimeError } from './runtime-error.js';

/**
 * Returns the configured keys, else the keys of the key file in the data folder. Creates the file with one key if missing, and calls
 * `onCreated` with its path.
 * @throws RuntimeError `BAD_KEYS` when the file is malformed
 */
export async function loadKeys(
  config: Pick<Config, 'encryptionKeys' | 'dataDir'>,
  onCreated: (path: string) => void = () => {},
): Promise<Buffer[]> {
  if (config.encryptionKeys) return config.encryptionKeys;
  const path = keyFile(config);
  await makeDataDir(config.dataDir);
  let text = await readKeys(path);
  if (text === null) {
    // When several processes start together, the first one creates the file and all of them read its key.
    if (await createPrivateFile(path, `${newKey()}\n`)) onCreated(path);
    text = await readKeys(path);
  }
  const keys = (text ?? '').split(/\s+/).filter(Boolean).map(decodeKey);
  if (keys.length === 0 || keys.some((key) => key.length !== 32))
    throw new RuntimeError(
      'BAD_KEYS',
      `The key file ${path} must contain a key per line, newest first, each the base64 of 32 bytes`,
      'Restore the file from a backup.',
    );
  return keys;
}

/**
 * Adds a new key to the front of the key file and returns all keys. Concurrent calls could lose a key, so callers must
 * hold a lock.
 */
export async function addKey(config: Pick<Config, 'dataDir'>): Promise<Buffer[]> {
  const before = await loadKeys({ encryptionKeys: null, dataDir: config.dataDir });
  const lines = [newKey(), ...before.map((key) => key.toString('base64'))];
  await writePrivateFile(keyFile(config), `${lines.join('\n')}\n`);
  return loadKeys({ encryptionKeys: null, dataDir: config.dataDir });
}

/** Path of the file that holds the generated keys. */
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
