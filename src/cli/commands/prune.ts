// `hookgraph prune`: deletes old deliveries, events and attempts. Exit code 1 when a week could not be locked.
import { openPool } from '../../runtime/database.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type PrunedHistory, pruneHistory } from '../../webhooks/index.js';
import type { Cli } from '../command.js';
import { openStore, refuseUnlessMigrated } from '../installation.js';
import type { Terminal } from '../terminal.js';

export interface PruneCommandOptions {
  /** A time in ISO 8601. */
  before: string;
  dryRun: boolean;
  /** Print the result as one line of JSON, and nothing else on stdout. */
  json: boolean;
}

/** Minimum age of deleted history, in milliseconds: rules and statistics read the attempts of the last hours. */
const LEAST_MS = 24 * 3_600_000;

/** @throws RuntimeError `TOO_RECENT` */
export async function prune(
  { before, dryRun, json }: PruneCommandOptions,
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
): Promise<void> {
  const time = new Date(before);
  if (Date.now() - time.getTime() < LEAST_MS)
    throw new RuntimeError('TOO_RECENT', `--before is ${before}, less than a day ago`, 'Give an earlier time, such as 56d.');
  const store = await openStore({ join: true, env, say: json ? () => {} : terminal.say });
  const { config, databaseUrl, log } = store;
  const pool = openPool(databaseUrl, { log, name: 'hookgraph prune', max: 2, schema: config.databaseSchema });
  try {
    await refuseUnlessMigrated(databaseUrl, config, log);
    const onProgress = (count: number) => {
      if (terminal.isTty) terminal.progress(`${counted(count, 'delivery', 'deliveries')} deleted`);
    };
    const result = await pruneHistory(pool, { before: time, isDryRun: dryRun, ...(!json && { onProgress }) });
    if (json) terminal.jsonLine({ ...result, before: time.toISOString(), dryRun });
    else print(terminal, result, { before: time, dryRun });
    if (result.locked.length > 0) process.exitCode = 1;
  } finally {
    await pool.end();
    await store.close();
  }
}

function print(
  terminal: Terminal,
  { deliveries, weeks, needed, locked, rows }: PrunedHistory,
  { before, dryRun }: { before: Date; dryRun: boolean },
): void {
  const bytes = weeks.reduce((sum, week) => sum + week.bytes, 0);
  const done = dryRun ? 'would be deleted' : 'deleted';
  terminal.say(`${counted(deliveries, 'delivery', 'deliveries')} that ended before ${before.toISOString()} ${done}.`);
  terminal.say(
    `${counted(weeks.length, 'partition', 'partitions')} of events, attempts or bodies ${done}: ${(bytes / 1e6).toFixed(1)} MB.`,
  );
  if (rows > 0) terminal.say(`${counted(rows, 'older row', 'older rows')} of events and attempts deleted.`);
  for (const { name } of needed) terminal.say(`${name} stays: open deliveries, a replay or a worker still need some of its events.`);
  for (const { name } of locked) terminal.say(`${name} stays: a transaction held its lock all the time. Run the command again.`);
}

const counted = (count: number, one: string, many: string): string => `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
