// Starts a real pgbouncer in transaction mode in front of the test run's Postgres: each transaction may run in another
// session.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './cli.js';
import { until } from './until.js';

/** Whether pgbouncer is installed, for example by `apt-get install pgbouncer` on Debian. */
export const hasPgbouncer = spawnSync('pgbouncer', ['--version']).status === 0;

export interface Pgbouncer {
  /** The URL of the same database through the pooler. */
  url: string;
  stop(): Promise<void>;
}

export async function startPgbouncer(databaseUrl: string): Promise<Pgbouncer> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-pgbouncer-'));
  await chmod(dir, 0o755);
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const own = await freePort();
  const file = join(dir, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 300
; Nobody meets the same session twice by luck.
server_round_robin = 1
`,
  );
  // pgbouncer refuses to run as root.
  const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const child = spawn('pgbouncer', ['-q', file], { ...asNobody, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `postgres://${username}@127.0.0.1:${own}${pathname}`;
  await until('pgbouncer answers', async () => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  });
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await ended;
      clearTimeout(timer);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
