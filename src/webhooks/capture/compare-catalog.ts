// Compares announced nodes with the tables, triggers and functions that were read from Postgres' catalog, and reports every difference.
// Runs no SQL.
import type { CaptureFinding, CaptureFindingKind } from '../base/capture-finding.js';
import type { AnnouncedNode } from '../base/model.js';
import { checkNodes } from './check-nodes.js';
import {
  CAPTURE_VERSION,
  type CaptureRecord,
  expectedFunctionsOf,
  hasBody,
  readRecord,
  type Target,
  targetsOf,
} from './expected-objects.js';
import type { CaptureCatalog, PresentTrigger } from './read-catalog.js';
import { type AnnouncedTable, functionName } from './row-sql.js';
import { type FunctionSql, SHARED_FUNCTIONS } from './shared-functions.js';
import type { Relation } from './table-facts.js';
import { CAPTURE_TRIGGERS, isEnabled, REPLICA_TRIGGER, triggerName, triggersOf } from './trigger-sql.js';

export interface Comparison {
  findings: CaptureFinding[];
  /**
   * Partitions and child tables without triggers, which a worker can add. Empty when the announced table itself has none, or when a
   * function is missing, because then only `migrate` can repair it.
   */
  bare: Target[];
}

const MIGRATE = 'Run `hookgraph migrate`.';
const MIGRATE_OR_RESTART = 'Run `hookgraph migrate`; if a newer version of this application ran it, restart this process.';

/** Codes of problems that don't stop changes from being recorded. */
const HARMLESS = new Set(['ANNOUNCED_KEY_UNFIT', 'ANNOUNCED_UPDATED_AT_UNFIT']);

/** Compares all announced nodes with the catalog. `schema` is the schema of Hookgraph's functions. */
export function compareCatalog(nodes: AnnouncedNode[], catalog: CaptureCatalog, schema: string): Comparison {
  // Only `migrate` needs the privilege to attach triggers, so a worker doesn't report that it is missing.
  const facts = catalog.facts.map((found) => found && { ...found, mayAttach: true });
  const { tables, nodeOf } = checkNodes(nodes, facts);
  const findings: CaptureFinding[] = [];
  const bare: Target[] = [];
  for (const [{ code, message, hint }, node] of nodeOf) {
    // Harmless problems are left out if the node also has a problem that loses changes. For example, a missing key column also causes the
    // harmless problem that the key has no unique index.
    if (HARMLESS.has(code) && [...nodeOf].some(([other, of]) => of === node && !HARMLESS.has(other.code))) continue;
    findings.push({
      kind: /COLUMN|KEY|UPDATED_AT/.test(code) ? 'COLUMNS' : 'TABLE',
      ...subject(node),
      loses: !HARMLESS.has(code),
      message,
      hint: hint === undefined ? MIGRATE : `${hint} Then run \`hookgraph migrate\`.`,
    });
  }
  nodes.forEach((node, index) => {
    const found = facts[index];
    if (!found || !['r', 'p'].includes(found.kind)) return;
    const compared = compareTable({ node, facts: found }, { all: tables, schema, ...catalog });
    findings.push(...compared.findings);
    bare.push(...compared.bare);
  });
  const order = new Map(nodes.map(({ typename }, index) => [typename, index]));
  findings.sort((a, b) => (order.get(a.typename) ?? 0) - (order.get(b.typename) ?? 0));
  return { findings: findings.length > 0 ? findings : compareShared(catalog, nodes), bare };
}

const subject = ({ typename, table }: AnnouncedNode) => ({ typename, table: `${table.schema}.${table.name}` });

const nameOf = ({ schema, name }: Relation) => `${schema}.${name}`;

function listed(names: string[], most = 5): string {
  return names.length > most ? `${names.slice(0, most).join(', ')} and ${names.length - most} others` : names.join(', ');
}

interface Surroundings extends Omit<CaptureCatalog, 'facts'> {
  all: AnnouncedTable[];
  schema: string;
}

function compareTable(own: AnnouncedTable, { all, schema, triggers, functions }: Surroundings): Comparison {
  const { node, facts } = own;
  const findings: CaptureFinding[] = [];
  const find: Find = (kind, loses, message, hint = MIGRATE) => findings.push({ kind, ...subject(node), loses, message, hint });
  const capture = functionName('capture', node);
  const record = readRecord(functions[capture]?.comment ?? null);
  const targets = targetsOf(own, schema);
  const isTarget = ({ oid }: PresentTrigger) => targets.some(({ relation }) => relation.oid === oid);
  const stray = triggers.find((trigger) => trigger.functionName === capture && !isTarget(trigger)) ?? null;
  const recording = CAPTURE_TRIGGERS.map((name) => triggerName(name, schema));
  const states = targets.map((target) => stateOf(target, triggers, recording));
  const [root, ...parts] = states as [TargetState, ...TargetState[]];
  if (root.isBare) {
    find(...whyBare(own, record, stray && nameOf(stray)));
    return { findings, bare: [] };
  }
  for (const state of [root, ...parts.filter(({ isBare }) => !isBare)])
    compareTriggers(own, state, { recording, replica: triggerName(REPLICA_TRIGGER, schema) }, find);
  const bare = parts.filter(({ isBare }) => isBare).map(({ target }) => target);
  compareParts(own, bare, find);
  if (stray !== null) {
    const message = `${nameOf(stray)} no longer belongs to ${nameOf(facts)}, but its changes are still recorded as changes of ${node.typename}.`;
    find('TRIGGERS', false, message);
  }
  compareColumns(own, record?.columns, find);
  if (all.some((table) => table.node === node)) compareFunctions(own, { all, functions, schema, isExplained: findings.length > 0, find });
  return { findings, bare: findings.some(({ kind }) => kind === 'FUNCTIONS') ? [] : bare };
}

/**
 * Returns the finding for a table without triggers. `record` is what `migrate` noted when it attached them. `stray` is the name of another
 * table that has this table's triggers, for example because it was renamed; `null` if there is none.
 */
function whyBare(
  { node, facts }: AnnouncedTable,
  record: CaptureRecord | null,
  stray: string | null,
): [kind: CaptureFindingKind, loses: boolean, message: string] {
  const lost = `Changes of ${nameOf(facts)} are not recorded`;
  if (record === null) return ['UNATTACHED', true, `${lost}: \`hookgraph migrate\` has not attached triggers to it yet.`];
  if (stray === null && (record.oid === undefined || record.oid === facts.oid))
    return ['TRIGGERS', true, `${lost}: its triggers were dropped.`];
  const where = stray === null ? '' : ` The triggers are on ${stray}, whose changes are recorded as changes of ${node.typename}.`;
  return ['TABLE', true, `${lost}: the table was replaced, and the new table has no triggers.${where}`];
}

/** Reports missing and disabled triggers. `recording` and `replica` are the names of the triggers that record changes. */
function compareTriggers(
  { facts }: AnnouncedTable,
  { target, missing, disabled }: TargetState,
  { recording, replica }: { recording: string[]; replica: string },
  find: Find,
): void {
  const where = nameOf(target.relation);
  if ([...missing, ...disabled].includes(replica) && target.part !== 'PARTITION')
    find('REPLICATION', true, `Rows that logical replication (${listed(facts.subscriptions)}) writes to ${where} are not recorded.`);
  for (const [found, what] of [
    [missing, 'missing'],
    [disabled, 'disabled'],
  ] as const) {
    const names = found.filter((name) => name !== replica);
    const loses = target.part !== 'PARTITION' && names.some((name) => recording.includes(name));
    if (names.length > 0) find('TRIGGERS', loses, `Triggers on ${where} are ${what}: ${names.join(', ')}.`);
  }
}

/** Reports partitions and child tables without triggers. */
function compareParts({ facts }: AnnouncedTable, bare: Target[], find: Find): void {
  for (const [part, kind, lost] of [
    ['PARTITION', 'partitions', 'Writes that name such a partition in the statement are not recorded'],
    ['CHILD_TABLE', 'tables that inherit from it', 'Writes to these tables are not recorded'],
  ] as const) {
    const names = bare.filter((target) => target.part === part).map(({ relation }) => nameOf(relation));
    if (names.length > 0)
      find('PARTS', part === 'CHILD_TABLE', `${nameOf(facts)} has ${kind} without triggers: ${listed(names)}. ${lost}.`);
  }
}

type Find = (kind: CaptureFindingKind, loses: boolean, message: string, hint?: string) => void;

interface TargetState {
  target: Target;
  missing: string[];
  disabled: string[];
  /** True when none of the triggers that record changes exists. */
  isBare: boolean;
}

function stateOf(target: Target, present: PresentTrigger[], recording: string[]): TargetState {
  const own = present.filter(({ oid }) => oid === target.relation.oid);
  const found = target.triggers.map((expected) => ({
    expected,
    trigger: own.find(({ trigger, functionName }) => trigger === expected.name && functionName === expected.functionName),
  }));
  return {
    target,
    missing: found.filter(({ trigger }) => !trigger).map(({ expected }) => expected.name),
    disabled: found.filter(({ expected, trigger }) => trigger && !isEnabled(expected, trigger)).map(({ expected }) => expected.name),
    isBare: found.every(({ expected, trigger }) => !trigger || !recording.includes(expected.name)),
  };
}

/**
 * Reports columns that were dropped or changed type since `migrate` attached the triggers that record them. Leaves out dropped columns that
 * are still announced, because checkNodes reports those.
 */
function compareColumns({ node, facts }: AnnouncedTable, recorded: Record<string, string> | undefined, find: Find): void {
  const entries = Object.entries(recorded ?? {});
  const gone = entries.filter(([name]) => facts.columns[name] === undefined && node.columns[name] === undefined).map(([name]) => name);
  const retyped = entries.flatMap(([name, type]) => {
    const now = facts.columns[name]?.type;
    return now === undefined || now === type ? [] : [`${name} (${plain(type)}, now ${plain(now)})`];
  });
  const table = nameOf(facts);
  if (gone.length > 0)
    find(
      'COLUMNS',
      true,
      `Recorded columns of ${table} were dropped: ${listed(gone)}.`,
      'Announce the columns that replace them. Then run `hookgraph migrate`.',
    );
  if (retyped.length > 0)
    find(
      'COLUMNS',
      false,
      `Columns of ${table} changed their type: ${listed(retyped)}. Until \`hookgraph migrate\` updates the triggers, writes to the table are slower.`,
    );
}

const plain = (type: string) => type.replace(/^pg_catalog\."?([^"]*)"?$/, '$1');

interface FunctionsCompared extends Omit<Surroundings, 'triggers'> {
  /** Whether another finding already explains why the functions differ. */
  isExplained: boolean;
  find: Find;
}

function compareFunctions(own: AnnouncedTable, { all, functions, schema, isExplained, find }: FunctionsCompared): void {
  const expected = expectedFunctionsOf(own, all);
  const capture = expected.find(({ name }) => name === functionName('capture', own.node)) as FunctionSql;
  const record = readRecord(functions[capture.name]?.comment ?? null);
  if (record && record.version > CAPTURE_VERSION) return;
  const differing = expected.filter((one) => !hasBody(one, functions[one.name], schema)).map(({ name }) => name);
  // A missing trigger function implies a missing trigger, which is already reported.
  const ofTriggers = triggersOf(own, schema).map(({ functionName }) => functionName);
  const missing = differing.filter((name) => functions[name] === undefined && !ofTriggers.includes(name));
  // If the capture function is unchanged, it calls the missing function, which was therefore dropped. Otherwise the missing function may be
  // new in the current announcement, and `migrate` has yet to create it.
  if (missing.length > 0 && !differing.includes(capture.name))
    find('FUNCTIONS', true, `Functions that the triggers of ${nameOf(own.facts)} call were dropped: ${listed(missing)}.`);
  else if (!isExplained && (differing.length > 0 || record?.version !== CAPTURE_VERSION))
    find('ANNOUNCEMENT', false, whyDiffering(own, record, differing), MIGRATE_OR_RESTART);
}

function whyDiffering({ node, facts }: AnnouncedTable, record: CaptureRecord | null, differing: string[]): string {
  const table = nameOf(facts);
  if (record && record.version < CAPTURE_VERSION) return `The triggers of ${table} were made by an older version of Hookgraph.`;
  if (record?.oid !== undefined && record.oid !== facts.oid)
    return `${table} was restored or recreated together with its triggers; until \`hookgraph migrate\` updates them, writes to the table are slower.`;
  const recorded = Object.keys(record?.columns ?? {});
  const missing = Object.keys(node.columns).filter((column) => !recorded.includes(column));
  const surplus = recorded.filter((column) => node.columns[column] === undefined);
  const differences = [
    ...(missing.length > 0 ? [`don't record ${listed(missing)} yet`] : []),
    ...(surplus.length > 0 ? [`still record ${listed(surplus)}, which this application doesn't announce`] : []),
  ];
  if (differences.length > 0) return `The triggers of ${table} ${differences.join(', and ')}.`;
  return `The triggers of ${table} differ from what this application announces, in ${listed(differing)}.`;
}

/** Reports dropped functions among those that the triggers of all tables share. */
function compareShared({ functions }: CaptureCatalog, nodes: AnnouncedNode[]): CaptureFinding[] {
  const missing = SHARED_FUNCTIONS.filter(({ name }) => functions[name] === undefined).map(({ name }) => name);
  // When all are missing, triggers were never attached, which other findings report.
  if (missing.length === 0 || missing.length === SHARED_FUNCTIONS.length) return [];
  const message = `Functions that record changes were dropped: ${listed(missing)}.`;
  return nodes.map((node) => ({ kind: 'FUNCTIONS', ...subject(node), loses: true, message, hint: MIGRATE }));
}
