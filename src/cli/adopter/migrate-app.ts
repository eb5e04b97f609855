// `hookgraph migrate --app`: updates Hookgraph's tables and triggers in an application's database. With --dry-run, prints the
// SQL instead.
import type { PlannedStatement } from '../../webhooks/index.js';
import type { Terminal } from '../terminal.js';
import { loadApp } from './load-app.js';

export interface MigrateAppOptions {
  dryRun: boolean;
  json: boolean;
  terminal: Terminal;
}

export async function migrateApp(app: string, { dryRun, json, terminal }: MigrateAppOptions): Promise<void> {
  const hooks = await loadApp(app);
  try {
    if (dryRun) {
      const planned = await hooks.plan();
      if (json) return terminal.json(planned);
      if (planned.length === 0) return terminal.say('The database is up to date.');
      return sayPlan(terminal, planned);
    }
    await hooks.migrate();
    if (json) terminal.json({ upToDate: true });
    else terminal.say('The database is up to date.');
  } finally {
    await hooks.close();
  }
}

/** Prints the planned statements as SQL that can be run unchanged. */
export function sayPlan(terminal: Terminal, planned: PlannedStatement[]): void {
  for (const { about, sql } of planned) terminal.say(`-- ${about}\n${sql.trim().replace(/;?$/, ';')}\n`);
}
