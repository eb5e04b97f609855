// Prints the tables that init proposes to announce, the SQL that `hookgraph migrate` will run, and what the user must do next.
import { relative } from 'node:path';
import type { PlannedStatement } from '../../webhooks/index.js';
import type { Terminal } from '../terminal.js';
import type { CheckedProposal } from './check-proposal.js';
import type { Inspection } from './inspect.js';
import type { Proposal, ProposedTable } from './propose.js';
import { tablesOf } from './propose.js';
import type { WrittenFile } from './write-file.js';

export function printProposal(
  terminal: Terminal,
  { defaults, tables, open, left, userTable }: Proposal,
  { inspection, dir, problems }: { inspection: Inspection; dir: string; problems: string[] },
): void {
  const { schema, prisma, notes } = inspection;
  terminal.say(
    `The database has ${inspection.survey.catalog.length} tables.${schema ? ` The GraphQL schema was read from ${relative(dir, schema.from)}.` : ''}${prisma ? ' The models were read from the Prisma schema.' : ''}`,
  );
  for (const note of notes) terminal.note(note);
  terminal.say('');
  terminal.table(
    ['type', 'table', 'key', 'tenant', ...(schema ? ['found by'] : []), 'omitted', 'why'],
    tables.map((table) => [
      table.candidate.typename,
      qualifiedName(table.candidate.table),
      table.candidate.key.join(', '),
      tenantOf(table, defaults.tenant as string | undefined),
      ...(schema ? [findOf(table)] : []),
      table.options.omit?.join(', ') ?? '',
      table.why,
    ]),
  );
  if (defaults.softDelete) terminal.say(`\nA row counts as deleted once its column \`${defaults.softDelete}\` is set.`);
  for (const { candidate, why } of open)
    terminal.say(
      `${terminal.paint('yellow', 'open')}  The tenant of ${candidate.typename} (${candidate.table.name}) is unknown: ${why}. The table is left out; a comment in the file says where to add it.`,
    );
  if (left.length > 0) {
    terminal.say('\nNot announced:');
    for (const { table, why } of left) terminal.say(`  ${qualifiedName(table)}: ${why}`);
  }
  const lost = tables.filter(({ find }) => find === null);
  if (lost.length > 0)
    terminal.say(
      `\nNo root field of the GraphQL schema returns ${lost.map(({ candidate }) => candidate.typename).join(', ')} by key, so stored queries can't read the changed node itself. Add a root field, then a line in \`find\`.`,
    );
  if (!userTable) terminal.say('\ninit found no table that maps users to tenants: write the look-up in `signIn`.');
  for (const problem of problems) terminal.say(`${terminal.paint('red', 'wrong')}  ${problem}`);
}

const qualifiedName = ({ schema, name }: { schema: string; name: string }): string => (schema === 'public' ? name : `${schema}.${name}`);

function tenantOf({ options }: ProposedTable, usual: string | undefined): string {
  const chosen = options.tenants ?? options.tenant ?? usual ?? '';
  if (typeof chosen === 'string') return chosen;
  return 'of' in chosen ? `of ${chosen.of}` : 'sql';
}

const findOf = ({ find }: ProposedTable): string => (find === 'node' ? 'node(id: $nodeId)' : (find ?? 'nothing'));

/** Maximum number of tables whose trigger statements are printed. */
const MOST_TABLES = 5;

/** Prints the statements that create triggers on the host's tables, but only counts Hookgraph's own tables and functions. */
export function printStatements(terminal: Terminal, statements: PlannedStatement[]): void {
  if (statements.length === 0) return;
  const locking = statements.filter(({ table }) => table !== null);
  const others = statements.length - locking.length;
  terminal.say(`\n${terminal.paint('bold', '`hookgraph migrate` will run')}`);
  if (others > 0) terminal.say(`-- ${others} statements that create Hookgraph's own tables and functions; none changes your tables`);
  for (const { sql } of locking.slice(0, MOST_TABLES)) terminal.say(`${sql};`);
  if (locking.length > MOST_TABLES) terminal.say(`-- and the same for ${locking.length - MOST_TABLES} more tables`);
  terminal.say('-- `hookgraph migrate --dry-run` prints all statements');
}

export function printNextSteps(
  terminal: Terminal,
  { shown, file, migrates }: { shown: string; file: WrittenFile; migrates: boolean },
): void {
  if (file.edits.length > 0) {
    terminal.say(
      `\n${file.edits.length === 1 ? 'You must complete 1 place' : `You must complete ${file.edits.length} places`} in the file:`,
    );
    for (const { line, what } of file.edits) terminal.say(`  ${shown}:${line}  ${what}`);
  }
  terminal.say('\nThen run:');
  if (!migrates) {
    terminal.say('  export HOOKGRAPH_ENCRYPTION_KEYS=$(openssl rand -base64 32)   # store it safely');
    terminal.say(`  npx hookgraph migrate --app ./${shown}`);
  }
  terminal.say(`  npx hookgraph check --app ./${shown}`);
  terminal.say(`  npx hookgraph serve --app ./${shown}`);
}

export interface Outcome {
  proposal: Proposal;
  file: WrittenFile;
  shown: string;
  writes: boolean;
  migrates: boolean;
  checked: CheckedProposal;
  notes: string[];
}

/** Returns the result that `--json` prints. */
export function resultOf({ proposal, file, shown, writes, migrates, checked, notes }: Outcome) {
  const { defaults, tables, open, left } = proposal;
  return {
    file: shown,
    written: writes,
    migrated: migrates,
    text: file.text,
    tables: tablesOf(defaults, tables),
    find: Object.fromEntries(tables.flatMap(({ candidate, find }) => (find && find !== 'node' ? [[candidate.typename, find]] : []))),
    withoutFinder: tables.flatMap(({ candidate, find }) => (find === null ? [candidate.typename] : [])),
    open: open.map(({ candidate, why }) => ({ typename: candidate.typename, table: qualifiedName(candidate.table), why })),
    left: left.map(({ table, why }) => ({ table: qualifiedName(table), why })),
    edits: file.edits,
    problems: checked.problems,
    statements: checked.statements,
    notes,
  };
}
