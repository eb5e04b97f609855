// Starts the Postgres of a run, can kill it like `kill -9`, and can fail over to a streaming replica.
import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';
import { until } from '../support/until.js';
import type { Server } from './world.js';

const SETTINGS = { shared_buffers: '64MB' };

interface Cluster {
  dataDir: string;
  postgres: EmbeddedPostgres;
}

export async function startServer(): Promise<{ server: Server; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hookgraph-chaos-'));
  let made = 0;
  const nextDir = () => {
    made += 1;
    return join(folder, String(made));
  };
  const start = async (dataDir: string): Promise<Cluster> => ({
    dataDir,
    postgres: await startEmbeddedPostgres({ dataDir, settings: SETTINGS }),
  });
  let primary = await start(nextDir());

  const kill = async ({ dataDir, postgres }: Cluster) => {
    const pid = Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
    process.kill(pid, 'SIGKILL');
    await postgres.exited;
  };
  const server: Server = {
    url: primary.postgres.url,
    async crash() {
      await kill(primary);
      primary = await start(primary.dataDir);
      await run(primary.postgres.url, 'SELECT 1');
    },
    async failOver(dies, between) {
      const replica = await makeReplica(primary, nextDir(), start);
      await between();
      if (dies) await kill(primary);
      else {
        // A fast shutdown ends all sessions and then waits until the replica has everything, including the last checkpoint. Making the
        // primary read-only instead would lose commits: open transactions, and sessions that set `default_transaction_read_only`
        // themselves, keep writing, and the replica would miss later commits.
        await untilStreaming(primary);
        await primary.postgres.stop();
      }
      primary = replica;
      await run(replica.postgres.superuserUrl, 'SELECT pg_promote()');
      server.url = replica.postgres.url;
    },
  };
  return {
    server,
    async stop() {
      await primary.postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Copies the running primary in backup mode, as pg_basebackup does, and starts the copy as its streaming replica. */
async function makeReplica(primary: Cluster, dataDir: string, start: (dataDir: string) => Promise<Cluster>): Promise<Cluster> {
  const client = new pg.Client({ connectionString: primary.postgres.superuserUrl });
  await client.connect();
  await client.query(`SELECT pg_backup_start('chaos', true)`);
  execFileSync(
    'sh',
    [
      '-c',
      'mkdir "$1" && tar -C "$0" --warning=no-file-changed --exclude=postmaster.pid -cf - postgres | tar -C "$1" -xf -',
      primary.dataDir,
      dataDir,
    ],
    {
      stdio: 'pipe',
    },
  );
  const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
  await client.end();
  const { port, username, password } = new URL(primary.postgres.superuserUrl);
  const cluster = join(dataDir, 'postgres');
  await writeFile(join(cluster, 'backup_label'), rows[0]?.labelfile ?? '');
  await writeFile(join(cluster, 'standby.signal'), '');
  const source = `primary_conninfo = 'host=127.0.0.1 port=${port} user=${username} password=${password}'`;
  await appendFile(join(cluster, 'postgresql.auto.conf'), `${source}\ndefault_transaction_read_only = off\n`);
  execFileSync('chown', ['-R', '--reference', join(primary.dataDir, 'postgres'), cluster]);
  const replica = await start(dataDir);
  await untilReplayed(primary, replica);
  return replica;
}

async function untilReplayed(primary: Cluster, replica: Cluster): Promise<void> {
  const [position] = await run(primary.postgres.superuserUrl, 'SELECT pg_current_wal_lsn()::text AS at');
  await until('the replica has everything', async () => {
    const [row] = await run(replica.postgres.superuserUrl, `SELECT pg_last_wal_replay_lsn() >= '${position?.at}' AS has`);
    return row?.has;
  });
}

/** Waits, because a primary that stops waits only for a replica that is already streaming. */
async function untilStreaming(primary: Cluster): Promise<void> {
  await until('the replica streams', async () => {
    const [row] = await run(
      primary.postgres.superuserUrl,
      `SELECT count(*) > 0 AS streams FROM pg_stat_replication WHERE state = 'streaming'`,
    );
    return row?.streams;
  });
}

async function run(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}
