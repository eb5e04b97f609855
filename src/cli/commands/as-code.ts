// Adds the commands for subscriptions as code: `plan` and `apply` compare a folder with the API, and `pull` writes a
// folder.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type Change, compare, type Existing } from '../as-code/compare.js';
import { printPlan, sum } from '../as-code/print-plan.js';
import { readFolder, readScope, SETTINGS } from '../as-code/read-folder.js';
import { writable, writeFolder } from '../as-code/write-folder.js';
import type { Client, UserError } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { CREATE, called, DELETE, save, UPDATE } from '../saving.js';
import { ownFields } from '../subscription-fields.js';

const PREVIEW = `mutation ($webhookSubscription: WebhookSubscriptionInput) {
  previewWebhookSubscription(webhookSubscription: $webhookSubscription) { errors { field fullMessage type } } }`;

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
    .option('--detailed-exitcode', 'exit with 2 if there are changes')
    .action(async (folder: string | undefined, options: Planning & { detailedExitcode?: true }) => {
      const changes = await plan(await connect(), folder, options, cli);
      if (options.json) terminal.json(changes.map(withoutInput));
      else printPlan(terminal, changes, { prune: options.prune === true });
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
      const changes = await plan(client, folder, options, cli);
      if (!options.json) printPlan(terminal, changes, { prune: options.prune === true });
      const due = changes.filter((change) => isPlanned(change, options));
      if (due.length > 0 && !options.yes && (await terminal.confirm('Apply these changes?')) !== true)
        throw new RuntimeError('NOT_CONFIRMED', 'The changes were not applied', 'Pass --yes to confirm.');
      const done = await apply(client, changes, options, cli);
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

const isPlanned = ({ action }: Change, { prune }: Planning): boolean => action !== 'NONE' && (action !== 'DELETE' || prune === true);
/** Removes a change's input before printing, because the input holds secrets. */
const withoutInput = ({ input: _, ...change }: Change) => change;

async function listExisting(client: Client): Promise<Existing[]> {
  const fields = ownFields(await client.schema());
  return client.list(
    `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`,
    {},
    Number.POSITIVE_INFINITY,
  );
}

/**
 * Computes the changes that make the API's subscriptions equal to the folder. Previews each new definition, so that all
 * mistakes are found before a change is made.
 * @throws RuntimeError `REFUSED` with every mistake
 */
async function plan(client: Client, dir = '.', { prune }: Planning, { env }: Cli): Promise<Change[]> {
  const schema = await client.schema();
  const folder = await readFolder(dir, schema, env);
  if (prune && folder.scope === null)
    throw new RuntimeError(
      'SCOPE_MISSING',
      `--prune needs a prefix of names, but ${join(dir, SETTINGS)} has no \`scope\``,
      `Write \`scope: a-name\` into ${join(dir, SETTINGS)}: then the folder owns all subscriptions whose names begin with a-name/.`,
    );
  const changes = compare(schema, folder, await listExisting(client));
  const mistakes: string[] = [];
  for (const { action, name, file, input } of changes) {
    if (!input || action === 'NONE') continue;
    const [{ errors }] = Object.values(await client.ask(PREVIEW, { webhookSubscription: input })) as [{ errors: UserError[] }];
    // The error `NOT_FOUND` of `base` means that no node exists to preview with, which isn't a mistake in the file.
    for (const { field, type, fullMessage } of errors)
      if (field !== 'base' || type !== 'NOT_FOUND') mistakes.push(`${file}, ${name}: ${fullMessage}`);
  }
  if (mistakes.length > 0) throw new RuntimeError('REFUSED', mistakes.join('\n'), 'No subscription was changed.');
  return changes;
}

/**
 * Applies the changes one by one. When a change fails, the earlier changes stay; repeating the command applies the
 * remaining changes.
 */
async function apply(client: Client, changes: readonly Change[], options: Planning, { terminal }: Cli): Promise<Change[]> {
  const done: Change[] = [];
  const versions = new Map((await listExisting(client)).map(({ id, version }) => [id, version]));
  for (const [at, change] of changes.entries()) {
    terminal.progress(`${at + 1} of ${changes.length}: ${change.name}`);
    const { action, id, input, file, name } = change;
    if (action === 'DELETE') {
      if (!options.prune) continue;
      await client.mutate(DELETE, { webhookSubscription: { id } });
      done.push(change);
    } else if (input) {
      const saved = await save(client, action === 'CREATE' ? CREATE : UPDATE, input).catch((error: RuntimeError) => {
        throw new RuntimeError(
          error.code,
          `${file}, ${name}: ${error.message}`,
          `${done.length === 1 ? '1 earlier change was' : `${done.length} earlier changes were`} applied. Correct the mistake and run the command again.`,
          { cause: error },
        );
      });
      for (const { fullMessage } of saved.warnings) terminal.note(`${file}, ${called({ name, id: '' })}: warning: ${fullMessage}`);
      const isNew = versions.get(saved.webhookSubscription.id) !== saved.webhookSubscription.version;
      if (action !== 'NONE' || isNew) done.push(action === 'NONE' ? { ...change, action: 'UPDATE' } : change);
    }
  }
  terminal.progress('');
  return done;
}

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
