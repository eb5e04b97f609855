// `npm run chaos`: runs the product on a Postgres of its own, breaks it, and checks the books.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';
import { FAULTS } from './faults.js';
import { runChaos } from './run-chaos.js';
import { seedDatabase } from './seed-database.js';
import type { Server } from './world.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    faults: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

const HELP = `npm run chaos [-- --seed 7 --minutes 10 --faults kill-worker,silence]

Starts Postgres, an API, two workers, receivers and writers of three organizations. Breaks something, waits until all is
sent, checks the books, and goes on until the time is over or the books don't balance. The same seed has the same order.

${Object.entries(FAULTS)
  .map(([name, { what }]) => `  ${name.padEnd(18)} ${what}`)
  .join('\n')}`;

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const faults = values.faults?.split(',') ?? Object.keys(FAULTS);
  const unknown = faults.filter((name) => !FAULTS[name]);
  if (unknown.length > 0) {
    console.error(`There is no fault ${unknown.join(', ')}.\n\n${HELP}`);
    return 1;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
  const untilMs = Date.now() + Number(values.minutes) * 60_000;
  console.log(`npm run chaos -- --seed ${seed} --minutes ${values.minutes} --faults ${faults.join(',')}`);
  const { server, stop } = await startServer();
  try {
    const { steps, findings, events, requests } = await runChaos({
      server,
      seed,
      faults,
      isOver: (steps) => steps > 0 && Date.now() > untilMs,
      say: (line) => console.log(line),
    });
    console.log(
      `${steps.length} faults, ${events} events, ${requests} requests: ${findings.length === 0 ? 'the books balance' : findings.join('\n')}`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await stop();
  }
}

async function startServer(): Promise<{ server: Server; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-chaos-'));
  const settings = { shared_buffers: '64MB' };
  let postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir, settings });
  await seedDatabase(postgres.url);
  const crash = async () => {
    const pid = Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
    process.kill(pid, 'SIGKILL');
    await postgres.exited;
    postgres = await startEmbeddedPostgres({ dataDir, settings });
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.end();
  };
  return {
    server: { url: postgres.url, crash },
    async stop() {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
