// An installation in, the sample data (made once) and the token of its admin out.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../runtime/private-file.js';
import type { Installation } from './installation.js';

/** null: the sample data was made elsewhere, with a token that only its maker knows. */
export async function makeSampleData({ app, config }: Installation): Promise<string | null> {
  const file = join(config.dataDir, 'admin-token');
  const { adminToken } = await app.seed();
  if (config.adminToken) return config.adminToken;
  if (adminToken === null) return readFile(file, 'utf8').catch(() => null);
  await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
  await writePrivateFile(file, adminToken);
  return adminToken;
}
