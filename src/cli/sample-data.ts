// Creates the sample data if there is none, and stores the admin's token in the data folder.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../runtime/config.js';
import { writePrivateFile } from '../runtime/private-file.js';
import type { Installation } from './installation.js';

/** Returns the admin's API token; `null` when the sample data was created on another machine, whose data folder has the token. */
export async function makeSampleData({ app, config }: Installation): Promise<string | null> {
  const file = adminTokenFile(config);
  const { adminToken } = await app.seed();
  if (config.adminToken) return config.adminToken;
  if (adminToken === null) return readFile(file, 'utf8').catch(() => null);
  await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
  await writePrivateFile(file, adminToken);
  return adminToken;
}

/** Path of the file that holds the generated token of the sample data's admin. */
export const adminTokenFile = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'admin-token');
