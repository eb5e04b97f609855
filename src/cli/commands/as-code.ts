// Adds the commands for subscriptions as code: `plan` and `apply` compare a folder with the API, and `pull` writes a
// folder.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Change } from '../as-code/compare.js';
import { apply, isPlanned, listExisting, type Planned, plan } from '../as-code/plan.js';
import { printPlan, sum } from '../as-code/print-plan.js';
import { envMissing, readScope, SETTINGS } from '../as-code/read-folder.js';
import { writable, writeFolder } from '../as-code/write-folder.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { called } from '../saving.js';

interface Planning extends Answering {
  prune?: true;
}

export function addAsCode(program: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  addAnswering(program, 'plan [folder]', 'show what `apply` would change, or list the mistakes in the files; changes nothing', [
    'plan webhooks',
    'plan webhooks --prune --detailed-exitcode',
  ])
    .option(
      '--prune',
      "also plan to delete subscriptions whose names begin with the folder's prefix (`scope` in hookgraph.yaml) and that no file describes",
    )
    .option('--detailed-exitcode', 'exit with 5 if there are changes')
    .action(async (folder: string | undefined, options: Planning & { detailedExitcode?: true }) => {
      const planned = await plan(await connect(), folder, options, cli.env);
      const { changes } = planned;
      print(planned, options, cli);
      if (options.detailedExitcode && changes.some((change) => isPlanned(change, options)))
        throw new RuntimeError('CHANGES', 'The subscriptions differ from the folder', '`hookgraph apply` applies the changes.');
    });
  addAnswering(program, 'apply [folder]', 'create and change subscriptions so that they match the YAML files in the folder', [
    'apply webhooks',
    'apply webhooks --prune --yes',
  ])
    .option(
      '--prune',
      "also delete subscriptions whose names begin with the folder's prefix (`scope` in hookgraph.yaml) and that no file describes",
    )
    .option('--yes', 'apply the changes without asking')
    .action(async (folder: string | undefined, options: Planning & { yes?: true }) => {
      const client = await connect();
      const planned = await plan(client, folder, options, cli.env);
      refuseUnset(planned, folder);
      if (!options.json) printPlan(terminal, planned, { prune: options.prune === true });
      printWarnings(planned, terminal);
      const due = planned.changes.filter((change) => isPlanned(change, options));
      if (due.length > 0 && !options.yes && (await terminal.confirm('Apply these changes?')) !== true)
        throw new RuntimeError('NOT_CONFIRMED', 'The changes were not applied', 'Pass --yes to confirm.');
      const done = await apply(client, planned, options, terminal);
      if (options.json) terminal.json(done.map(withoutInput));
      else
        terminal.say(
          `${done.length === 0 ? 'No changes were needed' : `Done: ${['CREATE', 'UPDATE', 'DELETE'].map((action, at) => `${sum(done, action as Change['action'])} ${['created', 'changed', 'deleted'][at]}`).join(', ')}`}.`,
        );
    });
  addAnswering(
    program,
    'pull [folder]',
    'write your subscriptions to YAML files in a folder; secrets become references to environment variables',
    ['pull webhooks', 'pull webhooks --scope crm'],
  )
    .option(
      '--scope <scope>',
      "only subscriptions whose names begin with this prefix and a slash; default: `scope` in the folder's hookgraph.yaml, or else all",
    )
    .option('--force', 'overwrite files that differ')
    .action(async (folder: string | undefined, options: Answering & { scope?: string; force?: true }) => {
      const dir = folder ?? '.';
      const scope = options.scope ?? (await readScope(join(dir, SETTINGS)).catch(() => null));
      const all = await listExisting(await connect());
      const { named, others } = writable(scope === null ? all : all.filter(({ name }) => name?.startsWith(`${scope}/`)));
      const files = writeFolder(named, scope);
      if (others.length > 0)
        terminal.note(
          `Not written, because these subscriptions have no unique name: ${others.map(({ name, id }) => called({ name, id })).join(', ')}`,
        );
      const written = await writeFiles(dir, files, options.force === true);
      if (options.json) return terminal.json(written);
      for (const file of written) terminal.say(join(dir, file));
      if (written.length === 0) terminal.note(files.size === 0 ? 'You have no subscriptions to write.' : 'The folder is up to date.');
    });
}

function print(planned: Planned, { json, prune }: Planning, { terminal }: Cli): void {
  if (json) terminal.json(planned.changes.map(withoutInput));
  else printPlan(terminal, planned, { prune: prune === true });
  printWarnings(planned, terminal);
  if (planned.unset.length > 0)
    terminal.note(`Not set here, so what reads these variables is not compared: ${planned.unset.join(', ')}. \`apply\` needs them.`);
}

function printWarnings({ warnings }: Planned, terminal: Cli['terminal']): void {
  for (const warning of warnings.values()) terminal.note(`Warning: ${warning}`);
}

function refuseUnset({ unset }: Planned, dir = '.'): void {
  if (unset.length > 0)
    throw envMissing(unset, `The files in ${dir} read secrets from these variables; set them and run the command again.`);
}

/** Removes a change's input before printing, because the input holds secrets. */
const withoutInput = ({ input: _, ...change }: Change) => change;

async function writeFiles(dir: string, files: ReadonlyMap<string, string>, force: boolean): Promise<string[]> {
  const changed: string[] = [];
  const inTheWay: string[] = [];
  for (const [file, text] of files) {
    const before = await readFile(join(dir, file), 'utf8').catch(() => null);
    if (before === text) continue;
    changed.push(file);
    if (before !== null) inTheWay.push(file);
  }
  if (inTheWay.length > 0 && !force)
    throw new RuntimeError(
      'FILE_IN_THE_WAY',
      `${inTheWay.join(', ')} in ${dir} would be overwritten`,
      'Pass --force to overwrite, or pull into another folder.',
    );
  for (const file of changed) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), files.get(file) as string);
  }
  return changed;
}
