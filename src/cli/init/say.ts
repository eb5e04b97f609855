// Prints init's proposal, the SQL that migrate will run, and the parts that the user must still write.
import { relative } from 'node:path';
import type { PlannedStatement } from '../../webhooks/index.js';
import type { Terminal } from '../terminal.js';
import type { CheckedProposal } from './check-proposal.js';
import type { Look } from './look.js';
import type { Proposal, ProposedTable } from './propose.js';
import { tablesOf } from './propose.js';
import type { WrittenFile } from './write-file.js';

export function sayProposal(
  terminal: Terminal,
  { defaults, tables, open, left, people }: Proposal,
  { look, dir, problems }: { look: Look; dir: string; problems: string[] },
): void {
  const { schema, prisma, notes } = look;
  terminal.say(
    `The database has ${look.sight.catalog.length} tables.${schema ? ` The GraphQL schema was read from ${relative(dir, schema.from)}.` : ''}${prisma ? ' Prisma told its models.' : ''}`,
  );
  for (const note of notes) terminal.note(note);
  terminal.say('');
  terminal.table(
    ['type', 'table', 'key', 'tenant', ...(schema ? ['found by'] : []), 'omitted', 'why'],
    tables.map((table) => [
      table.named.typename,
      placeOf(table.named.table),
      table.named.key.join(', '),
      tenantOf(table, defaults.tenant as string | undefined),
      ...(schema ? [findOf(table)] : []),
      table.options.omit?.join(', ') ?? '',
      table.why,
    ]),
  );
  if (defaults.softDelete) terminal.say(`\nRows with \`${defaults.softDelete}\` count as deleted.`);
  for (const { named, why } of open)
    terminal.say(
      `${terminal.paint('yellow', 'open')}  Whose is a ${named.typename} (${named.table.name})? ${why}. It is left out, with a comment in the file.`,
    );
  if (left.length > 0) {
    terminal.say('\nNot announced:');
    for (const { table, why } of left) terminal.say(`  ${placeOf(table)}: ${why}`);
  }
  const lost = tables.filter(({ find }) => find === null);
  if (lost.length > 0)
    terminal.say(
      `\nNo root field finds ${lost.map(({ named }) => named.typename).join(', ')} by key. Their stored queries can ask for everything else; add a field, then a line in \`find\`.`,
    );
  if (!people) terminal.say('\nNo table says who belongs to which tenant: you say it in `signIn`.');
  for (const problem of problems) terminal.say(`${terminal.paint('red', 'wrong')}  ${problem}`);
}

const placeOf = ({ schema, name }: { schema: string; name: string }): string => (schema === 'public' ? name : `${schema}.${name}`);

function tenantOf({ options }: ProposedTable, usual: string | undefined): string {
  const said = options.tenants ?? options.tenant ?? usual ?? '';
  if (typeof said === 'string') return said;
  return 'of' in said ? `of ${said.of}` : 'sql';
}

const findOf = ({ find }: ProposedTable): string => (find === 'node' ? 'node(id: $nodeId)' : (find ?? 'nothing'));

/** Maximum number of locking statements to print; each table has four or five triggers. */
const MOST_TABLES = 5;

/** Prints only some of the statements that lock the host's tables; `migrate --dry-run` prints all. */
export function sayStatements(terminal: Terminal, statements: PlannedStatement[]): void {
  if (statements.length === 0) return;
  const locking = statements.filter(({ table }) => table !== null);
  const others = statements.length - locking.length;
  terminal.say(`\n${terminal.paint('bold', '`hookgraph migrate` will run')}`);
  if (others > 0) terminal.say(`-- ${others} statements that make Hookgraph's own tables and functions; none touches yours`);
  for (const { sql } of locking.slice(0, MOST_TABLES)) terminal.say(`${sql};`);
  if (locking.length > MOST_TABLES) terminal.say(`-- and so for ${locking.length - MOST_TABLES} more tables`);
  terminal.say('-- `hookgraph migrate --dry-run` prints all of it');
}

export function sayNext(terminal: Terminal, { shown, file, migrates }: { shown: string; file: WrittenFile; migrates: boolean }): void {
  if (file.edits.length > 0) {
    terminal.say(`\n${file.edits.length === 1 ? 'One place is' : `${file.edits.length} places are`} yours to write:`);
    for (const { line, what } of file.edits) terminal.say(`  ${shown}:${line}  ${what}`);
  }
  terminal.say('\nThen:');
  if (!migrates) {
    terminal.say('  export HOOKGRAPH_ENCRYPTION_KEYS=$(openssl rand -base64 32)   # keep it');
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

/** The result for --json. */
export function answerOf({ proposal, file, shown, writes, migrates, checked, notes }: Outcome) {
  const { defaults, tables, open, left } = proposal;
  return {
    file: shown,
    written: writes,
    migrated: migrates,
    text: file.text,
    tables: tablesOf(defaults, tables),
    find: Object.fromEntries(tables.flatMap(({ named, find }) => (find && find !== 'node' ? [[named.typename, find]] : []))),
    withoutFinder: tables.flatMap(({ named, find }) => (find === null ? [named.typename] : [])),
    open: open.map(({ named, why }) => ({ typename: named.typename, table: placeOf(named.table), why })),
    left: left.map(({ table, why }) => ({ table: placeOf(table), why })),
    edits: file.edits,
    problems: checked.problems,
    statements: checked.statements,
    notes,
  };
}
