// Starts a Postgres of the same version as the installed pg_dump, because pg_dump refuses newer servers. Also runs
// pg_dump, pg_restore and psql.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './cli.js';
import { until } from './until.js';

const version = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout?.match(/\) (\d+)/)?.[1];
/** The folders in which Debian and other distributions install the server of this version. */
const bin = [`/usr/lib/postgresql/${version}/bin`, `/usr/pgsql-${version}/bin`, '/usr/local/pgsql/bin'];

/** The folder of initdb and postgres; `null` when the server of the installed pg_dump's version is missing. */
export const dumpableServer: string | null =
  version === undefined
    ? null
    : ((
        await Promise.all(
          bin.map((dir) =>
            stat(join(dir, 'initdb')).then(
              () => dir,
              () => null,
            ),
          ),
        )
      ).find(Boolean) ?? null);

export interface DumpServer {
  /** Makes an empty database and returns its URL. */
  database(name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startDumpServer(programs: string): Promise<DumpServer> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-dump-'));
  // initdb and postgres refuse to run as root.
  const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (asNobody.uid !== undefined) await chown(dir, asNobody.uid, asNobody.gid);
  await chmod(dir, 0o700);
  const data = join(dir, 'data');
  const made = spawnSync(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...asNobody,
    cwd: '/',
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '', fsync: 'off', shared_buffers: '32MB' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...flags], { ...asNobody, cwd: '/', stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`;
  const onServer = async (statement: string) => {
    const client = new pg.Client({ connectionString: url('postgres') });
    client.on('error', () => {});
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await until('Postgres answers', () =>
    onServer('SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  return {
    async database(name) {
      await onServer(`CREATE DATABASE ${name}`);
      return url(name);
    },
    async stop() {
      child.kill('SIGINT');
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Runs a program and returns its output. `fails`: the program may fail, and its errors are part of the output. */
export function runProgram(program: 'pg_dump' | 'pg_restore' | 'psql', args: string[], { fails = false, options = '' } = {}): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...(options && { PGOPTIONS: options }) },
  });
  if (status !== 0 && !fails) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout + stderr;
}
