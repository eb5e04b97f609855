// `hookgraph retention`: shows how much history is kept and what the last cleaning did; pauses and resumes the cleaning.
import { openPool } from '../../runtime/database.js';
import { pauseRetention, readRetention, readSizes } from '../../webhooks/index.js';
import { retentionOf } from '../app.js';
import type { Cli } from '../command.js';
import { openStore, refuseUnlessMigrated } from '../installation.js';

export interface RetentionCommandOptions {
  pause: boolean;
  resume: boolean;
  /** Print the result as one line of JSON, and nothing else on stdout. */
  json: boolean;
}

export async function retention(
  { pause, resume, json }: RetentionCommandOptions,
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
): Promise<void> {
  const store = await openStore({ join: true, env, say: json ? () => {} : terminal.say });
  const { config, databaseUrl, log } = store;
  const pool = openPool(databaseUrl, { log, name: 'hookgraph retention', max: 2, schema: config.databaseSchema });
  try {
    await refuseUnlessMigrated(databaseUrl, config, log);
    if (pause || resume) await pauseRetention(pool, pause);
    const [state, kept] = await Promise.all([readRetention(pool), readSizes(pool)]);
    const limits = retentionOf(config);
    if (json) return terminal.jsonLine({ limits, kept, ...state });
    const days = (count: number | null) => (count === null ? 'without limit' : `${count} days`);
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    terminal.say(`Events and deliveries are kept ${days(limits.events)}: ${megabytes(kept.events + kept.deliveries)}.`);
    terminal.say(`Attempts are kept ${days(limits.attempts)}, those that failed ${days(limits.errors)}: ${megabytes(kept.attempts)}.`);
    terminal.say(
      `Requests and responses are kept ${days(limits.bodies)}, of failed attempts ${days(limits.errors)}: ${megabytes(kept.bodies)}.`,
    );
    if (limits.bytes !== null) terminal.say(`All of it may take ${megabytes(limits.bytes)}; beyond that, the oldest is deleted.`);
    const { deliveries = 0, partitions = 0, thinned = 0, bytes = 0, locked = 0 } = state.result;
    const done = `${deliveries} deliveries, ${partitions} partitions with ${megabytes(bytes)}, and the successes of ${thinned} weeks of attempts`;
    if (state.isRunning) terminal.say(`A cleaning runs since ${state.startedAt?.toISOString()}, and has deleted ${done}.`);
    else if (state.endedAt) terminal.say(`The last cleaning ended at ${state.endedAt.toISOString()}, and deleted ${done}.`);
    else terminal.say('No cleaning has ended yet. A worker cleans every ten minutes.');
    if (locked > 0) terminal.say(`${locked} partitions stayed, because a transaction held their lock. The next cleaning tries again.`);
    if (state.isPaused) terminal.say('The cleaning is paused. Resume it with `hookgraph retention --resume`.');
  } finally {
    await pool.end();
    await store.close();
  }
}
