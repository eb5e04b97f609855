// A cluster's folder in, the process that runs it out; pids are reused, so a pid file alone proves nothing.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/** A pid beyond every system's greatest. */
const NOBODY = 2147483646;

/** The pid of the living Postgres of this very folder, or null. */
export async function findPostmaster(clusterDir: string): Promise<number | null> {
  const pid = await pidInFile(clusterDir);
  if (pid === null || !isAlive(pid)) return null;
  const args = await commandLine(pid);
  return basename(args[0] ?? '') === 'postgres' && args.join(' ').includes(clusterDir) ? pid : null;
}

/**
 * When the file names a living stranger, Postgres would refuse to start for ever. Only the pid is made void:
 * the rest of the file lets Postgres find a shared memory block that leftover backends still use.
 */
export async function clearStalePidFile(clusterDir: string): Promise<void> {
  const pid = await pidInFile(clusterDir);
  if (pid === null || !isAlive(pid)) return;
  const file = join(clusterDir, 'postmaster.pid');
  const [, ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (rest.length > 0) await writeFile(file, [NOBODY, ...rest].join('\n'));
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
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim().split(/\s+/);
}
