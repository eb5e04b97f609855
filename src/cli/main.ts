#!/usr/bin/env node
// argv in, an exit code out: 0 all is well, 1 a mistake that is told with its code and what to do.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Faces } from './commands/serve.js';
import { explain } from './explain.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

// Loaded when they run: help and configuration don't wait for the whole product.
const serve = async (faces: Faces) => (await import('./commands/serve.js')).serve(faces);

const program = new Command('hookgraph')
  .description('GraphQL-driven webhooks: a row changes, and whoever asked to know is told, in the words they chose.')
  .version(version)
  .showHelpAfterError();

program
  .command('serve')
  .description('run API and worker; migrates, and makes the sample data the first time')
  .action(() => serve({ api: true, worker: true, prepare: true }));
program
  .command('api')
  .description('run the API alone, on a migrated database')
  .action(() => serve({ api: true, worker: false, prepare: false }));
program
  .command('worker')
  .description('run a worker alone, on a migrated database; start as many as you like')
  .action(() => serve({ api: false, worker: true, prepare: false }));
program
  .command('migrate')
  .description('bring tables, topics and triggers up to date')
  .option('--sample-data', 'make the sample data too, if there is none')
  .action(async (options: { sampleData?: boolean }) =>
    (await import('./commands/migrate.js')).migrateDatabase({ sampleData: options.sampleData === true }),
  );
program
  .command('demo')
  .description("run the guide's example from start to end, on a throw-away database, and tell what happened")
  .option('--running', 'use the Hookgraph that runs already')
  .action(async (options: { running?: boolean }) => (await import('./commands/demo.js')).runDemo({ running: options.running === true }));
program
  .command('simulate')
  .description('keep changing the sample organization like a living customer, through the API, until Ctrl-C')
  .option('--rate <rate>', 'how often, e.g. 2/s or 30/min', '1/s')
  .option('--url <url>', 'of the API; usually the one that this configuration serves')
  .option('--token <token>', 'whose name to act in; usually the sample organization’s admin’s')
  .action(async (options: { rate: string; url?: string; token?: string }) => (await import('./commands/simulate.js')).simulate(options));
program
  .command('rotate-keys')
  .description('seal every stored secret with the newest encryption key; can be stopped and run again at any time')
  .option('--generate', 'first put a new key before those of HOOKGRAPH_DATA_DIR')
  .option('--dry-run', 'open every secret that would be sealed anew, and change nothing')
  .option('--json', 'print the result as one line of JSON')
  .action(async (options: { generate?: boolean; dryRun?: boolean; json?: boolean }) =>
    (await import('./commands/rotate-keys.js')).rotateKeys({
      generate: options.generate === true,
      dryRun: options.dryRun === true,
      json: options.json === true,
    }),
  );
program
  .command('config')
  .description('print every environment variable with its value, source and meaning')
  .option('--json', 'as JSON')
  .action(async (options: { json?: boolean }) => (await import('./commands/config.js')).printConfig({ json: options.json === true }));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(explain(error));
  // Not exitCode alone: what was started before the mistake would keep the process alive.
  process.exit(1);
}
