// A write's transaction -> what the write makes of one row, as capture recorded it in there: every default and trigger has had its say.
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Json, Operation, Snapshot } from '../base/model.js';

/** Runs a statement inside the write's transaction; `values` are texts. */
export type TransactionQuery = (sql: string, values: string[]) => Promise<unknown[]>;

export interface Change {
  operation: Operation;
  tenant: string | null;
  environment: string | null;
  key: string;
  /** The row before, as jsonb writes it: equal texts are equal rows. */
  before: string | null;
  /** The row as it is going to be; of one that is deleted, as it is. */
  snapshot: Snapshot;
}

const OWN_EVENTS = `
  SELECT operation, tenant, environment, before::text AS before, after::text AS after FROM hookgraph.captures
  WHERE xid = pg_current_xact_id() AND typename = $1 AND node_key = $2 ORDER BY id`;

interface OwnEvent {
  operation: Operation;
  tenant: string | null;
  environment: string | null;
  before: string | null;
  after: string | null;
}

/** Null: nobody would be told of it either, since no declared column changes. Several events of one row are one change. */
export async function readChange(query: TransactionQuery, typename: string, key: string): Promise<Change | null> {
  const events = (await query(OWN_EVENTS, [typename, key])) as OwnEvent[];
  const [first, last] = [events[0], events.at(-1)];
  if (!first || !last) return null;
  const { before } = first;
  const { tenant, environment, after } = last;
  const operation = before === null ? 'created' : after === null ? 'deleted' : 'updated';
  const columns = parseJson(after ?? before ?? '{}') as Record<string, Json>;
  return { operation, tenant, environment, key, before, snapshot: { typename, key, columns, ahead: true } };
}

/**
 * Whether a write does what was asked about. By the row that it finds: what it makes of it follows, but for clocks. A new row is
 * written as it was shown, so its key is enough.
 */
export function isSameChange(seen: Change | null, now: Change | null): boolean {
  if (seen === null || now === null) return seen === now;
  return seen.operation === now.operation && seen.key === now.key && seen.before === now.before;
}
