// `hookgraph rotate-keys`: encrypts every stored secret with the newest key, and prints which keys can be removed. Exit
// code 1 when a secret can't be decrypted.
import { openPool } from '../../runtime/database.js';
import { addKey, keyFile } from '../../runtime/keys.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type Resealed, resealSecrets } from '../../webhooks/index.js';
import type { Cli } from '../command.js';
import { openStore, refuseUnlessMigrated } from '../installation.js';
import type { Terminal } from '../terminal.js';

export interface RotateOptions {
  /** Create a new key first. Refused when the keys come from HOOKGRAPH_ENCRYPTION_KEYS. */
  generate: boolean;
  dryRun: boolean;
  /** Print the result as one line of JSON, and nothing else on stdout. */
  json: boolean;
}

/** Milliseconds between two progress lines when stdout isn't a terminal. */
const PROGRESS_INTERVAL_MS = 2000;

export async function rotateKeys(
  { generate, dryRun, json }: RotateOptions,
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
): Promise<void> {
  const store = await openStore({ join: true, env, say: json ? () => {} : terminal.say });
  const { config, keys, databaseUrl, log } = store;
  const pool = openPool(databaseUrl, { log, name: 'hookgraph rotate-keys', max: 4, schema: config.databaseSchema });
  try {
    if (generate && config.encryptionKeys !== null)
      throw new RuntimeError(
        'KEYS_NOT_KEPT_HERE',
        '--generate can not add a key, because the keys come from HOOKGRAPH_ENCRYPTION_KEYS',
        'Create a key with `openssl rand -base64 32`, put it first in that variable (see docs/secrets.md), and run `hookgraph rotate-keys` without --generate.',
      );
    await refuseUnlessMigrated(databaseUrl, config, log);
    const result = await resealSecrets(pool, {
      keys,
      dryRun,
      ...(generate && { addKey: () => addKey(config) }),
      ...(!json && { onProgress: progress(terminal) }),
    });
    if (json) terminal.jsonLine({ ...result, dryRun });
    else
      printResult(terminal, result, {
        generate,
        dryRun,
        keptIn: config.encryptionKeys === null ? keyFile(config) : 'HOOKGRAPH_ENCRYPTION_KEYS',
      });
    if (result.unreadable.length > 0) process.exitCode = 1;
  } finally {
    await pool.end();
    await store.close();
  }
}

/** Shows progress: a line that is overwritten on a terminal, occasional lines elsewhere. */
function progress(terminal: Terminal): (done: number, of: number) => void {
  let printedAt = Date.now();
  return (done, of) => {
    const line = `${done.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} secrets`;
    if (terminal.isTty) return done >= of ? terminal.say(line) : terminal.progress(line);
    if (Date.now() - printedAt < PROGRESS_INTERVAL_MS) return;
    printedAt = Date.now();
    terminal.say(line);
  };
}

function printResult(
  terminal: Terminal,
  result: Resealed,
  { generate, dryRun, keptIn }: { generate: boolean; dryRun: boolean; keptIn: string },
): void {
  const { key, added, total, resealed, unreadable, unneeded } = result;
  const named = key === null ? 'a new key' : `the key of fingerprint ${key}`;
  if (dryRun) terminal.say(`${secrets(resealed)} of ${total} would be encrypted again, with ${named}. Nothing was changed.`);
  else if (resealed > 0) terminal.say(`${secrets(resealed)} encrypted again with ${named}.`);
  else if (unreadable.length === 0)
    terminal.say(
      `No secret needs to be encrypted again: ${total === 0 ? 'there are no secrets' : `all ${secrets(total)} are encrypted with ${named}`}.`,
    );
  if (generate && !added)
    terminal.say(
      `No new key was created, because this run finished an earlier rotation to ${named}. Run the command again to create a newer key.`,
    );
  for (const { subscriptionId, field } of unreadable.slice(0, 20))
    terminal.say(
      `${field} of the subscription ${subscriptionId} can't be decrypted: its ciphertext was changed or moved. The owner must save the secret again.`,
    );
  if (unreadable.length > 20) terminal.say(`… and ${unreadable.length - 20} more.`);
  if (unneeded.length > 0)
    terminal.say(
      `${unneeded.length === 1 ? `The key of fingerprint ${unneeded[0]} is` : `The keys of the fingerprints ${unneeded.join(', ')} are`} no longer needed: remove ${unneeded.length === 1 ? 'it' : 'them'} from ${keptIn}, unless you keep older backups of the database.`,
    );
}

const secrets = (count: number): string => `${count.toLocaleString('en-US')} ${count === 1 ? 'secret' : 'secrets'}`;
