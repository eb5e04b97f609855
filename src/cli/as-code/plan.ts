// Computes the changes that make the API's subscriptions equal to a folder, and makes them.
import { join } from 'node:path';
import type { Environment } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Client } from '../client.js';
import { hideValues } from '../references.js';
import { CREATE, called, DELETE, missedNote, save, UPDATE } from '../saving.js';
import { ownFields } from '../subscription-fields.js';
import type { Input } from '../subscription-input.js';
import { suggestTopic } from '../suggest.js';
import type { Terminal } from '../terminal.js';
import type { Position } from '../written-document.js';
import { type Change, compare, type Existing, SECRET } from './compare.js';
import { type Desired, type Folder, readFolder, SETTINGS } from './read-folder.js';

const PREVIEW = `mutation ($webhookSubscription: WebhookSubscriptionInput) {
  previewWebhookSubscription(webhookSubscription: $webhookSubscription) { changedSecrets
  errors { field message fullMessage type place { line column } } warnings { field message fullMessage type place { line column } } } }`;

interface Preview {
  /** The fields whose secrets differ from the saved ones. */
  changedSecrets: string[];
  errors: Mistake[];
  warnings: Mistake[];
}

interface Mistake {
  field: string;
  message: string;
  fullMessage: string;
  type: string;
  place: Position | null;
}

export interface Planned extends Pick<Folder, 'variables' | 'unset'> {
  changes: Change[];
  /** Likely mistakes in queries and templates. Maps the API's message to the text to print, with file, line and column. */
  warnings: Map<string, string>;
}

export const isPlanned = ({ action }: Change, { prune }: { prune?: boolean }): boolean =>
  action !== 'NONE' && (action !== 'DELETE' || prune === true);

export async function listExisting(client: Client): Promise<Existing[]> {
  const fields = ownFields(await client.schema());
  return client.list(
    `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`,
    {},
    Number.POSITIVE_INFINITY,
  );
}

/**
 * Computes the changes. Previews each definition that changes or holds secrets, so that all mistakes are found, and each
 * changed secret is known, before a change is made.
 * @throws RuntimeError `REFUSED` with every mistake
 */
export async function plan(client: Client, dir = '.', { prune }: { prune?: boolean }, env: Environment): Promise<Planned> {
  const schema = await client.schema();
  const folder = await readFolder(dir, schema, env);
  if (prune && folder.scope === null)
    throw new RuntimeError(
      'SCOPE_MISSING',
      `--prune needs a prefix of names, but ${join(dir, SETTINGS)} has no \`scope\``,
      `Write \`scope: a-name\` into ${join(dir, SETTINGS)}: then the folder owns all subscriptions whose names begin with a-name/.`,
    );
  const { desired, variables, unset } = folder;
  const compared = compare(schema, folder, await listExisting(client));
  const mistakes = new Set<string>();
  const warnings = new Map<string, string>();
  const changes: Change[] = [];
  for (const [at, change] of compared.entries()) {
    if (!change.input) {
      changes.push(change);
      continue;
    }
    const [preview] = Object.values(await client.ask(PREVIEW, { webhookSubscription: change.input })) as [Preview];
    const whole = withSecrets(change, preview, desired[at] as Desired);
    changes.push(whole);
    if (whole.action === 'NONE') continue;
    for (const error of preview.errors)
      if (error.field === 'topic' && error.type === 'NOT_FOUND')
        error.message += `.${await suggestTopic(client, String((change.input.topic as Input).key))}`;
    const given = desired[at] as Desired;
    for (const mistake of mistakesOf(preview, given)) mistakes.add(located(mistake, given, variables));
    for (const warning of preview.warnings) if (warning.place) warnings.set(warning.fullMessage, located(warning, given, variables));
  }
  if (mistakes.size > 0) throw new RuntimeError('REFUSED', [...mistakes].join('\n'), 'No subscription was changed.');
  return { changes, variables, unset, warnings };
}

/** Adds the secrets that the API found changed to the changes, and removes unchanged fields from the input. */
function withSecrets(change: Change, { changedSecrets }: Preview, { shown, unset }: Desired): Change {
  if (change.action === 'CREATE') return change;
  const isListed = (field: string) => change.changes.some((one) => one.field === field);
  const added = change.secrets
    .filter((field) => changedSecrets.includes(field) && !unset.has(field) && !isListed(field))
    .map((field) => {
      const references = JSON.stringify(shown[field]).match(/\$\{env:\w+\}/g) ?? [SECRET];
      return { field, before: SECRET, after: `${references.join(', ')} (another secret)` };
    });
  const changes = [...change.changes, ...added];
  const sent = Object.entries(change.input ?? {}).filter(([field]) => field === 'id' || changes.some((one) => one.field === field));
  return {
    ...change,
    action: changes.length > 0 ? 'UPDATE' : 'NONE',
    changes,
    input: changes.length > 0 ? Object.fromEntries(sent) : null,
  };
}

/** Returns the mistakes that are not caused by a variable that isn't set here. */
function mistakesOf({ errors }: Preview, { unset }: Desired): Mistake[] {
  // The error `NOT_FOUND` of `base` means that no node exists to preview with, which isn't a mistake in the file.
  return errors.filter(({ field, type }) => (field !== 'base' || type !== 'NOT_FOUND') && !unset.has(rootOf(field)));
}

/** Returns the text of a mistake with the file, line and column where it is written. */
function located({ field, message, fullMessage, place }: Mistake, { placeOf }: Desired, variables: Folder['variables']): string {
  // Removes the position within the query or template from the message, because the position in a YAML file differs from it.
  const said = field === 'base' ? fullMessage : `${field}: ${message.replace(/ \(line \d+, column \d+\)$/m, '')}`;
  return `${placeOf(rootOf(field), place ?? undefined)}: ${hideValues(said, variables)}`;
}

const rootOf = (field: string): string => field.split('.')[0] ?? field;

/**
 * Applies the changes one by one, and returns those that it made. When a change fails, the earlier changes stay; repeating
 * the command applies the remaining changes.
 */
export async function apply(
  client: Client,
  { changes, variables, warnings }: Planned,
  { prune }: { prune?: boolean },
  terminal: Terminal,
): Promise<Change[]> {
  const done: Change[] = [];
  const due = changes.filter((change) => isPlanned(change, { ...(prune && { prune }) }));
  for (const [at, change] of due.entries()) {
    terminal.progress(`${at + 1} of ${due.length}: ${change.name}`);
    const { action, id, input, file, name } = change;
    if (action === 'DELETE' || input === null) await client.mutate(DELETE, { webhookSubscription: { id } });
    else {
      const saved = await save(client, action === 'CREATE' ? CREATE : UPDATE, input).catch((error: RuntimeError) => {
        throw new RuntimeError(
          error.code,
          `${file}, ${name}: ${hideValues(error.message, variables)}`,
          `${done.length === 1 ? '1 earlier change was' : `${done.length} earlier changes were`} applied. Correct the mistake and run the command again.`,
        );
      });
      const missed = missedNote(saved);
      const notes = saved.warnings
        .filter(({ fullMessage }) => !warnings.has(fullMessage))
        .map(({ fullMessage }) => `warning: ${fullMessage}`);
      for (const note of [...notes, ...(missed === null ? [] : [missed])])
        terminal.note(`${file}, ${called({ name, id: '' })}: ${hideValues(note, variables)}`);
    }
    done.push(change);
  }
  terminal.progress('');
  return done;
}
