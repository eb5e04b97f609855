// Tests that the commands which the first start prints work in a shell, whatever the name of the data folder.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { welcome } from '../../src/cli/welcome.js';
import { readConfig } from '../../src/runtime/config.js';

it.each(['data', 'my data', `dä tä's "q" $x`, '`id`'])('reads the URL of the database in a folder named %s', async (name) => {
  const parent = await mkdtemp(join(tmpdir(), 'hookgraph-welcome-'));
  const dataDir = join(parent, name);
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'database-url'), 'postgres://here');
  const config = readConfig({ HOOKGRAPH_DATA_DIR: dataDir });
  const first = { topic: 'user/created', purpose: 'create a user', query: '{ viewer { id } }' };
  const text = welcome({ url: 'http://127.0.0.1:4000', config, token: 'token', embedded: true, first });
  const command = /Database {2}psql (.+)$/m.exec(text)?.[1] as string;
  expect(execFileSync('sh', ['-c', `printf %s ${command}`], { encoding: 'utf8' })).toBe('postgres://here');
  const data = /HOOKGRAPH_DATA_DIR=(.+) npx/.exec(text)?.[1] as string;
  expect(execFileSync('sh', ['-c', `printf %s ${data}`], { encoding: 'utf8' })).toBe(dataDir);
  await rm(parent, { recursive: true });
});
