// Makes the deliveries of events that match too many subscriptions for one batch of the relay, a part at a time.
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';

const FAN_OUT = sqlStatement<'after_tenant' | 'max_tenants' | 'max_deliveries'>('webhooks/fan-out/fan-out.sql');

/** Maximum number of tenants that share the deliveries of one statement. */
const MAX_TENANTS = 50;
/** Maximum number of deliveries that one statement makes, in about 20 ms. */
export const MAX_PART = 1_000;

export interface FannedOut {
  /** The last tenant whose events were taken; `null` when no tenant after the given one has such events. */
  tenant: string | null;
  /** Number of events that were taken; the others were locked by another worker. */
  events: number;
  deliveries: number;
  /** Subscriptions that have deliveries due now. */
  subscriptionIds: string[];
}

/** Makes the deliveries part by part, and remembers which tenant's turn is next. */
export class FanOuts {
  private afterTenant = '';
  /** Whether events may be left. */
  isLeft = false;

  constructor(private readonly pool: Pool) {}

  /** Makes the next deliveries. Returns `null` when every tenant has had its turn; the next call begins with the first tenant again. */
  async next(maxDeliveries: number): Promise<FannedOut | null> {
    const part = await fanOutOnce(this.pool, this.afterTenant, maxDeliveries);
    if (part.tenant === null && this.afterTenant === '') this.isLeft = false;
    this.afterTenant = part.tenant ?? '';
    return part.tenant === null ? null : part;
  }
}

/** Makes up to `maxDeliveries` deliveries for events of the tenants after `afterTenant`; '' begins with the first tenant. */
export async function fanOutOnce(db: Pool | PoolClient, afterTenant = '', maxDeliveries = MAX_PART): Promise<FannedOut> {
  const { rows } = await db.query<FannedOut>({
    name: 'hookgraph.fan-out',
    text: FAN_OUT.text,
    values: FAN_OUT.values({ after_tenant: afterTenant, max_tenants: MAX_TENANTS, max_deliveries: maxDeliveries }),
  });
  return rows[0] as FannedOut;
}
