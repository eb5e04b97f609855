// Prints the changes of `hookgraph plan` and `apply`: for each a sign such as `+`, the subscription's name, and a diff of each
// changed field.
import { structuredPatch } from 'diff';
import type { Terminal } from '../terminal.js';
import type { Change, FieldChange } from './compare.js';

const SIGNS = { CREATE: ['+', 'green'], UPDATE: ['~', 'yellow'], DELETE: ['-', 'red'], NONE: [' ', 'dim'] } as const;

export function printPlan(terminal: Terminal, { changes }: { changes: readonly Change[] }, { prune }: { prune: boolean }): void {
  for (const { action, name, file, changes: fields, notCompared } of changes) {
    if (action === 'NONE') continue;
    const [sign, colour] = SIGNS[action];
    const where = action === 'DELETE' ? (prune ? '' : ' (not in the folder; --prune deletes it)') : ` (${file})`;
    terminal.say(`${terminal.paint(colour, `${sign} ${name}`)}${terminal.paint('dim', where)}`);
    for (const field of fields) printField(terminal, field, action === 'CREATE');
    for (const field of notCompared) terminal.say(terminal.paint('dim', `    ${field}: not compared, because a variable is not set here`));
  }
  terminal.say(
    `${sum(changes, 'CREATE')} to create, ${sum(changes, 'UPDATE')} to change, ${prune ? sum(changes, 'DELETE') : 0} to delete, ${sum(changes, 'NONE')} unchanged.`,
  );
}

export const sum = (changes: readonly Change[], action: Change['action']): number =>
  changes.filter((change) => change.action === action).length;

function printField(terminal: Terminal, { field, before, after }: FieldChange, isNew: boolean): void {
  if (isNew) {
    const lines = asText(after).split('\n');
    terminal.say(lines.length === 1 ? `    ${field}: ${lines[0]}` : `    ${field}:\n${lines.map((line) => `      ${line}`).join('\n')}`);
    return;
  }
  terminal.say(`    ${field}:`);
  const { hunks } = structuredPatch('', '', `${asText(before)}\n`, `${asText(after)}\n`, '', '', { context: 2 });
  for (const line of hunks.flatMap((hunk) => hunk.lines)) {
    const colour = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim';
    terminal.say(`      ${terminal.paint(colour, line)}`);
  }
}

function asText(value: unknown): string {
  if (value == null) return '(none)';
  if (typeof value === 'string') return value.trimEnd();
  if (typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  const given = Object.entries(value).filter(([, item]) => item != null);
  return JSON.stringify(Object.fromEntries(given), null, given.length > 1 ? 2 : 0);
}
