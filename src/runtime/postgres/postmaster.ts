// Finds the Postgres process that runs on a folder of database files (a cluster). Checks the process's command line, too,
// because another process may have got the pid in the pid file.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { systemEnvironment } from '../child-environment.js';

/** A pid that no process can have, because it is greater than the maximum of any system. */
const UNUSED_PID = 2147483646;

/** The pid of the running Postgres of this folder; `null` when there is none. */
export async function findPostmaster(clusterDir: string): Promise<number | null> {
  const pid = await pidInFile(clusterDir);
  if (pid === null || !isAlive(pid)) return null;
  const args = await commandLine(pid);
  return basename(args[0] ?? '') === 'postgres' && args.join(' ').includes(clusterDir) ? pid : null;
}

/** The port of the running Postgres of this folder; `null` while it isn't known. */
export async function portOfPostmaster(clusterDir: string): Promise<number | null> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  // https://www.postgresql.org/docs/current/storage-file-layout.html
  return Number(text.split('\n')[3]) || null;
}

/**
 * Invalidates a pid file whose pid now belongs to an unrelated process, because Postgres would refuse to start. Only
 * the pid is replaced: Postgres needs the other lines to find shared memory that leftover backends still use.
 */
export async function clearStalePidFile(clusterDir: string): Promise<void> {
  const pid = await pidInFile(clusterDir);
  if (pid === null || !isAlive(pid)) return;
  const file = join(clusterDir, 'postmaster.pid');
  const [, ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (rest.length > 0) await writeFile(file, [UNUSED_PID, ...rest].join('\n'));
}

async function pidInFile(clusterDir: string): Promise<number | null> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const pid = Number.parseInt(text, 10);
  return Number.isNaN(pid) ? null : pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function commandLine(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return text.split('\0');
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)], { env: systemEnvironment() }).catch(() => ({
    stdout: '',
  }));
  return stdout.trim().split(/\s+/);
}
