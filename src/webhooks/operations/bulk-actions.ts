// Starts and cancels actions on many deliveries or errors: resending deliveries, and deleting errors. A worker carries them out in steps.
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import { type Actor, type BulkAction, type BulkActionKind, DELIVERY_KINDS } from '../base/model.js';
import { type AuditAction, recordAudit } from '../base/store/audit.js';
import { type BulkFilter, bulkActionsByIds, enabledOf, endBulkAction, MAX_RUNNING, startBulkAction } from '../base/store/bulk-actions.js';
import { countDeliveriesOf, type DeliveryFilter, deliveriesByIds, searchedSince } from '../base/store/deliveries.js';
import { countErrorsOf, dismissErrors, type ErrorFilter } from '../base/store/errors.js';
import { isBigId } from '../base/store/page.js';
import { insideTransaction } from '../base/store/transaction.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';

export interface BulkStarted {
  problems: Problem[];
  action: BulkAction | null;
}

/** The deliveries with these ids or, without ids, those of these subscriptions (`null`: all of the user) that match the filter. */
export interface BulkSelection {
  ids: readonly string[] | null;
  subscriptionIds: readonly string[] | null;
  filter: DeliveryFilter;
}

/** Maximum number of ids in one request. */
export const MAX_BULK_IDS = 1_000;

const refused = (problem: Problem): BulkStarted => ({ problems: [problem], action: null });

/**
 * Starts resending the selected deliveries in the same way as `resendDelivery`: those of enabled subscriptions, in any state, except tests
 * and before-hooks. Deliveries that are created or match later are left out.
 */
export async function resendDeliveries(
  engine: Engine,
  actor: Actor,
  { ids, subscriptionIds, filter }: BulkSelection,
  { asNew }: { asNew: boolean },
): Promise<BulkStarted> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const resendable = DELIVERY_KINDS.filter((kind) => kind !== 'TEST' && kind !== 'BEFORE' && (filter.kinds?.includes(kind) ?? true));
  const since = searchedSince(filter);
  const whole = { ...filter, kinds: resendable, createdAtMin: since ?? new Date(0) };
  const found =
    ids === null
      ? await countDeliveriesOf(engine.pool, actor, subscriptionIds, whole)
      : countBySubscription([...(await deliveriesByIds(engine.pool, actor, ids)).values()].filter(({ kind }) => resendable.includes(kind)));
  const enabled = await enabledOf(engine.pool, [...found.keys()]);
  const totals = new Map([...found].filter(([id, count]) => enabled.has(id) && count > 0));
  if (totals.size === 0)
    return refused({
      field: 'base',
      message:
        found.size === 0
          ? 'no delivery matches that can be resent'
          : 'the subscriptions of the matching deliveries are not enabled; enable them first',
      type: 'NOT_FOUND',
    });
  const stored = ids === null ? whole : { ids };
  return start(engine, actor, { kind: asNew ? 'RESEND_AS_NEW' : 'RESEND', filter: stored, since, totals });
}

/** Starts dismissing all errors that match the filter. `subscriptionIds`: only errors of these subscriptions. */
export async function deleteErrors(
  engine: Engine,
  actor: Actor,
  subscriptionIds: readonly string[] | null,
  filter: ErrorFilter,
): Promise<BulkStarted> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const totals = await countErrorsOf(engine.pool, actor, subscriptionIds, filter);
  if (totals.size === 0) return refused({ field: 'base', message: 'no error matches', type: 'NOT_FOUND' });
  return start(engine, actor, { kind: 'DELETE_ERRORS', filter, since: filter.createdAtMin ?? null, totals });
}

/** Cancels a running action. What it has changed so far stays changed. Idempotent. */
export async function cancelBulkAction(engine: Engine, actor: Actor, id: string): Promise<BulkStarted> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const action = await read(engine, actor, id);
  if (!action) return refused(NOT_FOUND);
  if (action.state === 'DONE') return refused({ field: 'base', message: 'the action has already ended' });
  await insideTransaction(engine.pool, async (client) => {
    const ended = (await endBulkAction(client, id)) ?? [];
    const message = `${WORDS[action.kind]} was cancelled.`;
    await recordAudit(
      client,
      actor,
      ended.map((subscriptionId) => ({ subscriptionId, action: 'BULK_ACTION_CANCELLED', message })),
    );
  });
  return { problems: [], action: await read(engine, actor, id) };
}

const WORDS: Record<BulkActionKind, string> = {
  RESEND: 'Resending deliveries',
  RESEND_AS_NEW: 'Resending deliveries as new ones',
  DELETE_ERRORS: 'Deleting errors',
};
const AUDITED: Record<BulkActionKind, AuditAction> = { RESEND: 'RESENT', RESEND_AS_NEW: 'RESENT', DELETE_ERRORS: 'ERRORS_DELETED' };

interface Begun {
  kind: BulkActionKind;
  filter: BulkFilter;
  since: Date | null;
  totals: ReadonlyMap<string, number>;
}

async function start(engine: Engine, actor: Actor, begun: Begun): Promise<BulkStarted> {
  const { kind, totals } = begun;
  const id = await insideTransaction(engine.pool, async (client) => {
    const started = await startBulkAction(client, actor, begun);
    if (started !== null)
      await recordAudit(
        client,
        actor,
        [...totals].map(([subscriptionId, count]) => ({
          subscriptionId,
          action: AUDITED[kind],
          message: `${WORDS[kind]} was started: ${count} ${begun.filter.ids ? 'selected' : 'match a filter'}.`,
        })),
      );
    return started;
  });
  if (id === null)
    return refused({ field: 'base', message: `${MAX_RUNNING} of your actions are running; wait until one ends, or cancel one` });
  return { problems: [], action: await read(engine, actor, id) };
}

/** Dismisses the errors with these ids and records it in the audit log. If some aren't errors of the actor, dismisses none. */
export function deleteErrorsById(engine: Engine, actor: Actor, ids: readonly string[]): Promise<{ missing: string[] }> {
  return insideTransaction(engine.pool, async (client) => {
    const { missing, dismissed } = await dismissErrors(client, actor, ids);
    await recordAudit(
      client,
      actor,
      Object.entries(dismissed).map(([subscriptionId, count]) => ({
        subscriptionId,
        action: 'ERRORS_DELETED',
        message: `Deleted errors: ${count}.`,
      })),
    );
    return { missing };
  });
}

async function read(engine: Engine, actor: Actor, id: string): Promise<BulkAction | null> {
  return isBigId(id) ? ((await bulkActionsByIds(engine.pool, actor, [id])).get(id) ?? null) : null;
}

function countBySubscription(rows: readonly { subscriptionId: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { subscriptionId } of rows) counts.set(subscriptionId, (counts.get(subscriptionId) ?? 0) + 1);
  return counts;
}
