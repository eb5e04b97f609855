// Creates the Postgres cluster (its database files) in the data folder if it is missing, and chooses the
// operating-system user that runs it.
import { type ExecFileOptions, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemEnvironment } from '../child-environment.js';
import { RuntimeError } from '../runtime-error.js';
import { findPostgresBinaries } from './binaries.js';

const execute = promisify(execFile);
const run = (command: string, args: string[], options: ExecFileOptions = {}) =>
  execute(command, args, { ...options, env: systemEnvironment(), encoding: 'utf8' });

/** The file with the password of `postgres`, inside the cluster's folder, so that both are created and deleted together. */
export const PASSWORD_FILE = 'hookgraph-password';

/**
 * The user that runs Postgres, which refuses to run as root. `ids`: user and group to start Postgres with when this process
 * is root; else empty. `prefix`: a command that starts Postgres as this user, but with access to root's folders, and is
 * used instead of `ids`; empty when the user can access the folders without it.
 */
interface RunAs {
  ids: { uid?: number; gid?: number };
  prefix: string[];
}

interface Cluster {
  dir: string;
  binaries: { initdb: string; postgres: string };
  runAs: RunAs;
}

export async function prepareCluster(dataDir: string, sync: boolean, onProgress?: (message: string) => void): Promise<Cluster> {
  const dir = join(dataDir, 'postgres');
  const binaries = await findPostgresBinaries();
  const exists = await stat(dir).catch(() => null);
  const runAs = await chooseUser(exists, [binaries.postgres, dataDir]);
  if (!exists) {
    onProgress?.(`Creating a Postgres database in ${dataDir}`);
    await removeLeftovers(dataDir);
    await initialise(dir, binaries.initdb, runAs, sync);
  }
  return { dir, binaries, runAs };
}

// Creates the cluster under a temporary name first, so that a killed process doesn't leave an incomplete cluster under its final name.
async function initialise(dir: string, initdb: string, runAs: RunAs, sync: boolean): Promise<void> {
  const draft = `${dir}.draft-${process.pid}`;
  const password = randomBytes(24).toString('base64url');
  const passwordFile = `${draft}-password`;
  const { uid, gid } = runAs.ids;
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  try {
    if (uid !== undefined && gid !== undefined) {
      await chown(draft, uid, gid);
      await chown(passwordFile, uid, gid);
    }
    const args = [
      '-D',
      draft,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C',
      '--data-checksums',
    ];
    if (!sync) args.push('--no-sync');
    const [command, ...rest] = [...runAs.prefix, initdb, ...args] as [string, ...string[]];
    await run(command, rest, { ...(runAs.prefix.length > 0 ? {} : runAs.ids), cwd: '/' });
    await writeFile(join(draft, PASSWORD_FILE), password, { mode: 0o600 });
    await rename(draft, dir).catch((error: NodeJS.ErrnoException) => {
      // Another process created the cluster first; this process uses that cluster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new RuntimeError('POSTGRES_FAILED', `Creating a Postgres database in ${dir} failed: ${output}`, undefined, { cause });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

async function removeLeftovers(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = /^postgres\.draft-(\d+)(?:-password)?$/.exec(name)?.[1];
    if (pid === undefined) continue;
    // In a container, a restarted process may have the same process id as the process before it.
    const isOfOther = Number(pid) !== process.pid && (await stat(`/proc/${pid}`).catch(() => null)) !== null;
    if (!isOfOther) await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

/** Chooses a user who can access the paths. @throws RuntimeError when there is none */
export async function chooseUser(existing: { uid: number; gid: number } | null, paths: string[]): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { ids: {}, prefix: [] };
  // A cluster created by an ordinary user keeps running as that user.
  const ids = existing && existing.uid !== 0 ? { uid: existing.uid, gid: existing.gid } : await postgresUser();
  const reachable = await Promise.all(
    paths.map((path) =>
      run('test', ['-x', path], { ...ids, cwd: '/' }).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!reachable.includes(false)) return { ids, prefix: [] };
  // Gives the user the capability to access folders that it doesn't own, such as /root.
  const capability = '+dac_override';
  const prefix = [
    'setpriv',
    // Without this bit, initdb wouldn't find its programs, because access() ignores the capability: capabilities(7).
    '--securebits=+no_setuid_fixup',
    `--reuid=${ids.uid}`,
    `--regid=${ids.gid}`,
    '--clear-groups',
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
  ];
  await run('setpriv', [...prefix.slice(1), 'true']).catch((cause) => {
    throw new RuntimeError(
      'POSTGRES_UNREACHABLE',
      `Postgres can't run as root, and the user ${ids.uid} can't access ${paths.filter((_, i) => !reachable[i]).join(' and ')}`,
      'Move the project out of /root, run Hookgraph as an ordinary user, or set DATABASE_URL.',
      { cause },
    );
  });
  return { ids, prefix };
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const ids = await lookUp();
  if (ids) return ids;
  try {
    await run('groupadd', ['--system', '--force', 'postgres']);
    await run('useradd', ['--system', '--no-create-home', '--gid', 'postgres', 'postgres']);
  } catch (cause) {
    throw new RuntimeError(
      'NO_POSTGRES_USER',
      `Postgres can't run as root, and creating the user "postgres" failed: ${(cause as Error).message.trim()}`,
      'Run Hookgraph as an ordinary user, create a user named postgres, or set DATABASE_URL.',
      { cause },
    );
  }
  const made = await lookUp();
  if (!made) throw new RuntimeError('NO_POSTGRES_USER', 'The user "postgres" was created but was not found afterwards');
  return made;
}

async function lookUp(): Promise<{ uid: number; gid: number } | null> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)));
    return { uid: uid as number, gid: gid as number };
  } catch {
    return null;
  }
}
