// Reads the pages of a rehearsal, and prints what would happen to stored events.
import type { Answer } from './client.js';
import { relative, shortNode } from './shorten.js';
import type { Terminal } from './terminal.js';

export const REHEARSAL = `examinedCount sentCount changedCount unchangedCount skippedCount failedCount impossibleCount endCursor hasNextPage
  events { outcome code stage message body event { databaseId nodeId operation occurredAt }
    before { outcome stage message body } changes { path before after } }`;
const COUNTS = ['examinedCount', 'sentCount', 'changedCount', 'unchangedCount', 'skippedCount', 'failedCount', 'impossibleCount'] as const;
const PER_PAGE = 25;
/** Number of examples to print of each kind. */
const EXAMPLES = 5;

export type Rehearsal = Record<(typeof COUNTS)[number], number> & { isWhole: boolean; events: Answer[] };

/** Reads pages until `most` events were examined or no page is left. `isWhole`: whether no page is left. */
export async function rehearseAll(
  terminal: Terminal,
  most: number,
  ask: (page: { first: number; after: string | null }) => Promise<Answer>,
): Promise<Rehearsal> {
  const sum: Rehearsal = {
    ...{ examinedCount: 0, sentCount: 0, changedCount: 0, unchangedCount: 0, skippedCount: 0, failedCount: 0, impossibleCount: 0 },
    ...{ isWhole: false, events: [] },
  };
  let after: string | null = null;
  while (!sum.isWhole && sum.examinedCount < most) {
    const page: Answer = await ask({ first: Math.min(PER_PAGE, most - sum.examinedCount), after });
    for (const name of COUNTS) sum[name] += page[name];
    sum.events.push(...page.events);
    sum.isWhole = !page.hasNextPage;
    after = page.endCursor;
    terminal.progress(`${sum.examinedCount} events examined`);
  }
  return sum;
}

/** @param other with what the bodies are compared, in words */
export function printRehearsal(terminal: Terminal, rehearsal: Rehearsal, other: string): void {
  const { examinedCount, isWhole, events } = rehearsal;
  const of = isWhole ? (examinedCount === 1 ? 'the only event' : `all ${examinedCount} events`) : `a sample of ${examinedCount} events`;
  terminal.say(`\nOf ${of}:`);
  terminal.details([
    ['would be sent', rehearsal.sentCount],
    [`changed against ${other}`, rehearsal.changedCount],
    ['the same body', rehearsal.unchangedCount],
    ['would be skipped', rehearsal.skippedCount],
    ['would be held', rehearsal.failedCount],
    ['not possible', rehearsal.impossibleCount],
  ]);
  const reasons = new Map<string, number>();
  for (const { outcome, code, stage, message } of events)
    if (outcome !== 'SENT') {
      const reason = `${outcome} ${code ?? stage ?? ''}: ${message ?? ''}`;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  if (reasons.size > 0) {
    terminal.say('');
    terminal.table(
      ['events', 'why not sent'],
      [...reasons].sort(([, one], [, other]) => other - one).map(([reason, count]) => [count, reason]),
    );
  }
  const isDecidedAnew = ({ outcome, before }: Answer) => before !== null && before.outcome !== outcome;
  for (const one of events.filter((one) => one.changes?.length > 0 || isDecidedAnew(one)).slice(0, EXAMPLES)) printExample(terminal, one);
}

function printExample(terminal: Terminal, { event, outcome, before, changes }: Answer): void {
  const decided = before && before.outcome !== outcome ? `: ${before.outcome} before, ${outcome} now` : '';
  terminal.say(
    `\nEvent ${event?.databaseId}, ${shortNode(event?.nodeId ?? '')} ${event?.operation}, ${relative(event?.occurredAt)}${decided}`,
  );
  for (const { path, before: was, after } of changes ?? []) {
    terminal.say(`  ${path}`);
    if (was !== null) terminal.say(`    - ${was}`);
    if (after !== null) terminal.say(`    + ${after}`);
  }
}
