// Profiles a backlog: where the worker and Postgres spend their time, and which statements they run.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Line, round } from '../frame.js';
import type { Program } from '../processes.js';
import type { Database } from '../server.js';
import { startReceiver } from '../world.js';
import { DELIVERIES, drainDeliveries, due } from './backlog.js';

export const profile: Line = {
  key: 'profile',
  title: 'Where the time goes',
  method:
    'The backlog again, slowed by V8’s sampling profiler in the worker and pg_stat_statements in Postgres. Self time in microseconds per delivery, by the part whose code runs.',
  rounds: 1,
  async prepare(bench) {
    const receiver = await startReceiver();
    const sources = await Promise.all([1, 50].map((count) => due(bench, receiver, count)));
    const notes: string[] = [];
    const watched = (name: string, source: (typeof sources)[number]) => ({
      name,
      async measure() {
        const dir = await mkdtemp(join(tmpdir(), 'hookgraph-profile-'));
        notes.splice(0, notes.length, ...notes.filter((note) => !note.startsWith(`**${name}`)));
        try {
          return await drainDeliveries(bench, receiver, source, DELIVERIES, {
            nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${dir}`],
            before: async ({ pool, name: database }) => {
              await pool.query(`CREATE EXTENSION pg_stat_statements; ALTER DATABASE ${database} SET pg_stat_statements.track = 'top'`);
              await pool.query('SELECT pg_stat_statements_reset()');
            },
            after: async (database, program) => {
              notes.push(`**${name}: statements**`, await statementsOf(database));
              await program.stop('SIGTERM');
              notes.push(`**${name}: the worker's thread**`, await partsOf(dir, program));
            },
          });
        } finally {
          await rm(dir, { recursive: true, force: true });
        }
      },
    });
    return {
      variants: [
        watched('1 subscription', sources[0] as (typeof sources)[number]),
        watched('50 subscriptions', sources[1] as (typeof sources)[number]),
      ],
      bars: [],
      notes: () => notes,
      async close() {
        await receiver.stop();
        await Promise.all(sources.map((source) => source.drop()));
      },
    };
  },
};

async function statementsOf({ pool, name }: Database): Promise<string> {
  const { rows } = await pool.query(
    `SELECT calls, total_exec_time AS ms, rows, shared_blks_hit AS hits, regexp_replace(query, '\\s+', ' ', 'g') AS query FROM pg_stat_statements s
     JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1 AND query NOT LIKE '%pg_stat_statements%' ORDER BY total_exec_time DESC LIMIT 12`,
    [name],
  );
  const per = DELIVERIES / 1000;
  return [
    '| statement | calls per 1,000 deliveries | µs per delivery | rows a call | buffers a call |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ calls, ms, rows: count, hits, query }) =>
        `| \`${query.slice(0, 90).replaceAll('|', '\\|')}\` | ${round(calls / per)} | ${round(ms / per)} | ${round(count / calls)} | ${round(hits / calls)} |`,
    ),
  ].join('\n');
}

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
}

async function partsOf(dir: string, program: Program): Promise<string> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.cpuprofile') && name.includes(`.${program.pid}.`));
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(join(dir, files[0] as string), 'utf8')) as CpuProfile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parts = new Map<string, { us: number; of: Map<string, number> }>();
  for (const [i, id] of samples.entries()) {
    const { functionName, url } = frames.get(id) as CpuProfile['nodes'][number]['callFrame'];
    const part = parts.get(partOf(functionName, url)) ?? { us: 0, of: new Map<string, number>() };
    parts.set(partOf(functionName, url), part);
    const us = timeDeltas[i] as number;
    part.us += us;
    part.of.set(functionName || '(anonymous)', (part.of.get(functionName || '(anonymous)') ?? 0) + us);
  }
  const sorted = [...parts].sort(([, a], [, b]) => b.us - a.us).slice(0, 25);
  return [
    '| part | µs per delivery | most of it in |',
    '|---|---|---|',
    ...sorted.map(([name, { us, of }]) => {
      const most = [...of].sort(([, a], [, b]) => b - a).slice(0, 6);
      return `| ${name} | ${round(us / DELIVERIES)} | ${most.map(([fn, own]) => `${fn} ${round(own / DELIVERIES)}`).join(', ')} |`;
    }),
  ].join('\n');
}

function partOf(functionName: string, url: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'V8';
  const pack = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (pack) return pack;
  if (url.startsWith('node:')) return url.replace(/^(node:[^/]+(\/[^/]+)?).*$/, '$1');
  return /dist\/(.*)$/.exec(url)?.[1] ?? url;
}
