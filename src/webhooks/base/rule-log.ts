// Logs when a rule changes how a subscription sends: disabled, held, slowed, probed, looping, recovered.
import type { Logger } from '../../runtime/logger.js';

/** A subscription that a rule changed. */
export interface RuleChange<Rule extends string = string> {
  id: string;
  tenant: string;
  /**
   * Name of the rule: BROKEN when the query or a template stopped working, RECHECKED when it works again, otherwise a DisabledReason such
   * as GONE.
   */
  rule: Rule;
  message: string | null;
}

const LINES = {
  disabled: { level: 'warn', message: 'subscription disabled by a rule' },
  held: { level: 'warn', message: 'subscription held by a rule: its definition no longer works' },
  slowed: { level: 'warn', message: 'subscription slowed by a rule: its receiver asked to slow down' },
  probed: { level: 'warn', message: 'subscription paused by a rule: its receiver keeps failing, so single deliveries probe it' },
  looping: { level: 'warn', message: "notifications slowed by a rule: the owner's writes to the node answer them, and cause the next" },
  recovering: { level: 'info', message: 'subscription recovers: its receiver works again' },
  recovered: { level: 'info', message: 'subscription recovered' },
} as const;

/**
 * Writes the log line of a rule's effect on a subscription. Further fields, such as the reason or the number of held deliveries, are logged
 * as given.
 */
export function logRule(
  log: Logger,
  effect: keyof typeof LINES,
  { rule, subscriptionId, tenant, ...rest }: { rule: string; subscriptionId: string; tenant: string; [count: string]: unknown },
): void {
  const { level, message } = LINES[effect];
  log[level]({ rule, subscriptionId, tenant, ...rest }, message);
}

/** Writes a line for each subscription that a rule disabled, held or enabled again, with the number of deliveries held or released. */
export function logRuleChanges(
  log: Logger,
  effect: 'disabled' | 'held' | 'recovered',
  changes: readonly RuleChange[],
  moved: ReadonlyMap<string, number>,
): void {
  const count = effect === 'recovered' ? 'released' : 'held';
  for (const { id, tenant, rule, message } of changes)
    logRule(log, effect, { rule, subscriptionId: id, tenant, reason: message, [count]: moved.get(id) ?? 0 });
}
