// Remembers in the data folder at which URL the local API answers, so that commands find it whatever its port is.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../runtime/config.js';
import { inUrl } from '../runtime/loopback.js';
import { writePrivateFile } from '../runtime/private-file.js';

const fileOf = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'api-url');

/** Writes the URL. Returns the function that removes it. Does nothing where the data folder can't be written. */
export async function announceLocalApi(config: Pick<Config, 'dataDir'>, url: string): Promise<() => Promise<void>> {
  const file = fileOf(config);
  const written = await mkdir(config.dataDir, { recursive: true, mode: 0o755 })
    .then(() => writePrivateFile(file, `${url}\n`))
    .then(
      () => true,
      () => false,
    );
  return async () => {
    // Another API of this folder, which started later, has written its own URL.
    if (written && (await readUrl(file)) === url) await rm(file, { force: true });
  };
}

/** Returns the URL where the API of this data folder answers, or where this configuration would serve it. */
export async function localUrl(config: Config): Promise<string> {
  const { host, port, baseUrl } = config;
  const announced = await announcedUrl(config);
  if (announced !== null) return announced;
  if (port === 0) return baseUrl;
  return `http://${host === '0.0.0.0' || host === '::' ? 'localhost' : inUrl(host)}:${port}`;
}

/** Returns the URL that an API of this data folder has written; `null` when no API runs. A killed API leaves its URL behind. */
export const announcedUrl = (config: Pick<Config, 'dataDir'>): Promise<string | null> => readUrl(fileOf(config));

async function readUrl(file: string): Promise<string | null> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return /^https?:\/\//.test(text) && URL.canParse(text) ? text : null;
}
