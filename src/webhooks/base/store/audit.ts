// Writes audit log entries in the transaction of the change they describe. A secret is recorded as changed, without its value.
import { isDeepStrictEqual } from 'node:util';
import { formatPatch, OMIT_HEADERS, structuredPatch } from 'diff';
import type { Pool, PoolClient } from 'pg';
import type { Actor, Definition, Json, Secrets } from '../model.js';

export const AUDIT_ACTIONS = {
  CREATED: 'The subscription was created.',
  UPDATED: 'The subscription was changed: its name, its topic, its definition, or what it belongs to.',
  ENABLED: 'The owner enabled the subscription.',
  DISABLED: 'The owner or a rule disabled the subscription.',
  DELETED: 'The subscription and its secrets were deleted.',
  TESTED: 'A test notification was sent.',
  RESENT: 'A delivery was resent, or resending many was started.',
  RELEASED: 'Held deliveries were released.',
  REPLAYED: 'A replay of past events was started.',
  REPLAY_CANCELLED: 'A replay was cancelled.',
  ERRORS_DELETED: 'Errors were deleted, or deleting many was started.',
  BULK_ACTION_CANCELLED: 'Resending or deleting many was cancelled.',
  HELD: 'The query or a template no longer works, so the deliveries of the subscription are held.',
  RESTORED: 'The query and the templates work again.',
};

export type AuditAction = keyof typeof AUDIT_ACTIONS;

export interface Change {
  field: string;
  before: Json;
  after: Json;
  /** The field is a secret, so its values are not recorded. */
  secret?: true;
}

/** The fields of a subscription whose changes are written to the audit log. */
export interface Auditable {
  name: string | null;
  /** Key and version of the topic. */
  topic: string;
  integrationId: string | null;
  environmentIds: string[] | null;
  definition: Definition;
  secrets: Secrets;
}

/**
 * Returns the fields that a save changed, with both values. A new field of the definition needs no code here. `before` is `null` for a new
 * subscription.
 */
export function changesOf(before: Auditable | null, after: Auditable): Change[] {
  const [was, is] = [before ? plainOf(before) : {}, plainOf(after)];
  const [had, has]: [Record<string, unknown>, Record<string, unknown>] = [{ ...before?.secrets }, { ...after.secrets }];
  return [
    ...differing(was, is).map((field): Change => ({ field, before: was[field] ?? null, after: is[field] ?? null })),
    ...differing(had, has).map((field): Change => ({ field, before: null, after: null, secret: true })),
  ];
}

/** Returns the fields of the input whose secrets differ. */
export const changedSecrets = (before: Secrets, after: Secrets): string[] =>
  differing({ ...before }, { ...after }).filter((field) => field !== 'oldSecrets');

function plainOf({ definition: { headerNames, ...definition }, secrets: _, ...rest }: Auditable): Record<string, Json> {
  const headers = headerNames.length > 0 ? headerNames : null;
  return { ...rest, ...definition, headers } as unknown as Record<string, Json>;
}

function differing(one: Record<string, unknown>, other: Record<string, unknown>): string[] {
  const fields = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return fields.filter((field) => !isDeepStrictEqual(one[field] ?? null, other[field] ?? null));
}

export const switched = (disabled: boolean): Change => ({ field: 'disabled', before: !disabled, after: disabled });

/** Number of added and removed lines up to which a diff is made. The cost grows with its square: about 40 ms for this many. */
const MAX_DIFFERING_LINES = 1_000;

/**
 * Returns how the API shows a change: a unified diff without header for a text of several lines, `changed` for a secret, otherwise `null`.
 * Returns `null`, too, when more lines differ than MAX_DIFFERING_LINES.
 */
export function diffOf({ before, after, secret }: Change): string | null {
  if (secret) return 'changed';
  const [old, now] = [before ?? '', after ?? ''];
  if (typeof old !== 'string' || typeof now !== 'string' || !`${old}${now}`.includes('\n')) return null;
  const patch = structuredPatch('', '', old, now, undefined, undefined, { context: 3, maxEditLength: MAX_DIFFERING_LINES });
  return patch ? formatPatch(patch, OMIT_HEADERS) : null;
}

export interface AuditRecord {
  subscriptionId: string;
  action: AuditAction;
  versionBefore?: number | null;
  versionAfter?: number | null;
  changes?: Change[];
  message?: string | null;
  deliveryId?: string | null;
}

/** Writes audit log entries for changes that a user made. */
export async function recordAudit(db: Pool | PoolClient, { tenant, userId, token }: Actor, records: AuditRecord[]): Promise<void> {
  if (records.length === 0) return;
  await db.query(
    `INSERT INTO hookgraph.audit_log (tenant, owner, user_id, token_id, token_name, subscription_id, action, version_before, version_after,
       changes, message, delivery_id)
     SELECT $1, $2, $2, $3, $4, r."subscriptionId", r.action, r."versionBefore", r."versionAfter", coalesce(r.changes, '[]'), r.message, r."deliveryId"
     FROM jsonb_to_recordset($5::jsonb) AS r ("subscriptionId" uuid, action text, "versionBefore" int, "versionAfter" int, changes jsonb,
       message text, "deliveryId" bigint)`,
    [tenant, userId, token?.id ?? null, token?.name ?? null, JSON.stringify(records)],
  );
}

/**
 * Returns SQL that writes audit log entries for changes made by a rule. The statement that includes it must define a CTE `changed` with
 * rows of `subscriptions` and the columns `rule` and `message`.
 */
export function auditByRule(action: AuditAction, changes: Change[] = []): string {
  return `INSERT INTO hookgraph.audit_log (tenant, owner, subscription_id, action, rule, version_before, version_after, changes, message)
    SELECT tenant, owner, id, '${action}', rule, version, version, '${JSON.stringify(changes)}', message FROM changed`;
}
