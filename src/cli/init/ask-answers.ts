// Asks the user which column holds the tenant, and how to find the tenant of each table for which init couldn't guess it.
import { withArticle } from '../../runtime/article.js';
import type { Terminal } from '../terminal.js';
import type { Candidate, Survey } from './find-candidates.js';
import { type TenantRoute, tenantColumns } from './find-tenants.js';
import { type Answers, propose } from './propose.js';

/** Maximum number of choices in a question. */
const MOST_CHOICES = 8;

export async function askAnswers(survey: Survey, terminal: Terminal): Promise<Answers> {
  const columns = tenantColumns(survey.candidates).slice(0, MOST_CHOICES);
  const answers: Answers = {};
  if (columns.length > 1) {
    const labels = columns.map(({ column, tables, root }) => `${column} (in ${tables} tables${root ? `, of ${root.typename}` : ''})`);
    const at = await choose(terminal, 'Which column contains the tenant of a row?', labels, 0);
    const tenant = at === null ? undefined : columns[at];
    if (tenant) answers.tenant = tenant;
  }
  const routes = new Map<Candidate, TenantRoute>();
  for (const { candidate, choices } of propose(survey, answers).open) {
    const columnChoices = candidate.table.foreignKeys.flatMap(({ columns: [column, second] }): TenantRoute[] =>
      column === undefined || second !== undefined ? [] : [{ kind: 'column', column, why: `column ${column}, as you chose` }],
    );
    const offered = [...choices, ...columnChoices].slice(0, MOST_CHOICES);
    if (offered.length === 0) continue;
    const labels = offered.map(({ kind, column, other }) =>
      kind === 'column' ? `column ${column}` : `the tenant of the ${other?.typename} rows that belong to it`,
    );
    const at = await choose(
      terminal,
      `Which tenant does ${withArticle(candidate.typename)} belong to?`,
      [...labels, 'leave this table out'],
      labels.length,
    );
    const answer = at === null ? undefined : offered[at];
    if (answer) routes.set(candidate, { ...answer, why: 'as you chose' });
  }
  return { ...answers, ...(routes.size > 0 && { routes }) };
}

/** Asks the user to choose and returns the index of the choice; Enter chooses `usual`. Returns `null` without a terminal. */
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
