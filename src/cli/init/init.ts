// `hookgraph init`: inspects a database and a project, proposes what to announce, writes the adopter's file, and shows
// the SQL that migrate will run.
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { checkDatabase, openPool } from '../../runtime/database.js';
import { createPlainLog } from '../../runtime/plain-log.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { loadApp } from '../adopter/load-app.js';
import type { Terminal } from '../terminal.js';
import { askAnswers } from './ask-answers.js';
import { checkProposal } from './check-proposal.js';
import { type Inspection, inspect } from './inspect.js';
import { printNextSteps, printProposal, printStatements, resultOf } from './print-proposal.js';
import { type Project, type ProjectOptions, readProject } from './project.js';
import { propose } from './propose.js';
import { generateModels, type ReadPrisma } from './read-prisma.js';
import { writeFile } from './write-file.js';

export interface InitOptions extends ProjectOptions {
  database?: string;
  yes?: boolean;
  force?: boolean;
  dryRun?: boolean;
  migrate?: boolean;
  json?: boolean;
}

export interface InitContext {
  /** The project's folder. */
  dir: string;
  env: NodeJS.ProcessEnv;
  terminal: Terminal;
}

export async function init(options: InitOptions, context: InitContext): Promise<void> {
  const { dir, terminal } = context;
  const database = options.database ?? context.env.DATABASE_URL;
  if (!database)
    throw new RuntimeError(
      'DATABASE_MISSING',
      'init reads your database, but no database is configured',
      'Set DATABASE_URL, or pass --database postgres://…',
    );
  const env = { ...context.env, DATABASE_URL: database };
  const project = readProject(dir, options);
  const shown = relative(dir, project.out);
  if (existsSync(project.out) && !options.force && !options.dryRun)
    throw new RuntimeError(
      'FILE_EXISTS',
      `${shown} already exists`,
      'Pass --force to overwrite the file, --out to write another file, or --dry-run to write nothing.',
    );
  // With --json, stdout contains only the JSON.
  const output: Terminal = options.json ? { ...terminal, say: () => {}, table: () => {} } : terminal;
  await checkDatabase(database);
  const pool = openPool(database, { log: createPlainLog('error'), max: 2 });
  try {
    const inspection = await inspect(pool, project, env);
    const proposal = propose(
      inspection.survey,
      options.yes || options.json || options.dryRun ? {} : await askAnswers(inspection.survey, terminal),
    );
    const checked = await checkProposal(pool, proposal, inspection, project.name);
    const file = writeFile(proposal, {
      typescript: project.typescript,
      schema: inspection.schema ? inspection.schema.imported : undefined,
      prisma: inspection.prisma?.imports ?? null,
      ...(checked.prefix !== undefined && { prefix: checked.prefix }),
    });
    printProposal(output, proposal, { inspection, dir, problems: checked.problems });
    if (options.dryRun) output.say(`\n${shown} would contain:\n\n${file.text}`);
    const writes = !options.dryRun && (await mayWrite(shown, options, inspection, output));
    if (writes) await write(project, file.text, inspection.prisma, { env, terminal: output });
    printStatements(output, checked.statements);
    const migrates = writes && checked.statements.length > 0 && (await mayMigrate(options, output));
    if (migrates) await migrate(project.out, env, output);
    if (options.json) terminal.json(resultOf({ proposal, file, shown, writes, migrates, checked, notes: inspection.notes }));
    else if (writes) printNextSteps(output, { shown, file, migrates });
  } finally {
    await pool.end();
  }
}

async function mayWrite(shown: string, options: InitOptions, { prisma }: Inspection, terminal: Terminal): Promise<boolean> {
  if (options.yes) return true;
  if (options.json) return false;
  const also = prisma?.addition ? ", and add Hookgraph's generator to your Prisma schema" : '';
  const answer = await terminal.confirm(`\nWrite ${shown}${also}?`);
  if (answer === null)
    throw new RuntimeError(
      'NOT_CONFIRMED',
      `${shown} was not written: init can't ask for confirmation without a terminal`,
      'Pass --yes to write the file.',
    );
  if (!answer) terminal.say('Nothing was written.');
  return answer;
}

async function write(
  { out, dir, prisma: schema }: Project,
  text: string,
  prisma: ReadPrisma | null,
  { env, terminal }: { env: NodeJS.ProcessEnv; terminal: Terminal },
): Promise<void> {
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, text);
  terminal.say(`\nWrote ${relative(dir, out)}.`);
  if (!prisma || schema === null) return;
  if (prisma.addition) {
    appendFileSync(prisma.addition.file, prisma.addition.text);
    terminal.say(`Added the generator \`hookgraph\` to ${relative(dir, prisma.addition.file)}.`);
  }
  await generateModels(schema, prisma.generator, { cwd: dir, env }).catch((error: Error) =>
    terminal.note(`\`prisma generate\` failed; run it yourself: ${error.message}`),
  );
}

async function mayMigrate({ migrate: asked, yes, json }: InitOptions, terminal: Terminal): Promise<boolean> {
  if (asked || yes || json) return asked === true;
  return (
    (await terminal.confirm(
      '\nRun the migration now? It waits for the lock of a table for at most 300 ms at a time, so that it does not block your writers.',
    )) === true
  );
}

/** Migrates the database with the written file, as `hookgraph migrate --app` does. */
async function migrate(out: string, env: NodeJS.ProcessEnv, terminal: Terminal): Promise<void> {
  if (!env.HOOKGRAPH_ENCRYPTION_KEYS)
    throw new RuntimeError(
      'KEYS_MISSING',
      'HOOKGRAPH_ENCRYPTION_KEYS is not set, but Hookgraph needs a key to encrypt your customers’ secrets',
      `Set the variable to the output of \`openssl rand -base64 32\`, store the key safely, and run \`hookgraph migrate --app ${out}\`.`,
    );
  // The written file reads these variables from `process.env`.
  for (const name of ['DATABASE_URL', 'HOOKGRAPH_ENCRYPTION_KEYS']) process.env[name] = env[name];
  const hooks = await loadApp(out);
  try {
    await hooks.migrate();
    terminal.say('The database is up to date.');
  } finally {
    await hooks.close();
    if (!hooks.pool.ended) await hooks.pool.end();
  }
}
