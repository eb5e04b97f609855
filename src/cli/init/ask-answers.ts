// Asks the user for what the database's catalog doesn't show: the column with the tenant, and the tenant of the remaining tables.
import type { Terminal } from '../terminal.js';
import { type Answers, propose } from './propose.js';
import type { Named, Sight } from './sight.js';
import { tenantColumns, type Whose } from './whose-rows.js';

/** Maximum number of choices in a question, so that the list stays readable. */
const MOST_CHOICES = 8;

export async function askAnswers(sight: Sight, terminal: Terminal): Promise<Answers> {
  const columns = tenantColumns(sight.named).slice(0, MOST_CHOICES);
  const answers: Answers = {};
  if (columns.length > 1) {
    const told = columns.map(({ column, tables, root }) => `${column} (in ${tables} tables${root ? `, of ${root.typename}` : ''})`);
    const at = await choose(terminal, 'Which column contains the tenant of a row?', told, 0);
    const tenant = at === null ? undefined : columns[at];
    if (tenant) answers.tenant = tenant;
  }
  const whose = new Map<Named, Whose>();
  for (const { named, choices } of propose(sight, answers).open) {
    const columnChoices = named.table.foreignKeys.flatMap(({ columns: [column, second] }): Whose[] =>
      column === undefined || second !== undefined ? [] : [{ kind: 'column', column, why: `column ${column}, as you chose` }],
    );
    const offered = [...choices, ...columnChoices].slice(0, MOST_CHOICES);
    if (offered.length === 0) continue;
    const told = offered.map(({ kind, column, other }) =>
      kind === 'column' ? `column ${column}` : `the tenant of the ${other?.typename} rows that belong to it`,
    );
    const at = await choose(terminal, `Which tenant does a ${named.typename} belong to?`, [...told, 'leave this table out'], told.length);
    const answer = at === null ? undefined : offered[at];
    if (answer) whose.set(named, { ...answer, why: 'as you chose' });
  }
  return { ...answers, ...(whose.size > 0 && { whose }) };
}

/** Asks the user to choose; Enter selects `usual`. Returns `null` when there is no terminal. */
async function choose(terminal: Terminal, question: string, choices: string[], usual: number): Promise<number | null> {
  for (;;) {
    const list = choices.map((choice, at) => `  ${at + 1}  ${choice}\n`).join('');
    const answer = await terminal.ask(`${question}\n${list}[${usual + 1}] `);
    if (answer === null) return null;
    if (answer === '') return usual;
    const at = Number(answer) - 1;
    if (choices[at] !== undefined) return at;
  }
}
