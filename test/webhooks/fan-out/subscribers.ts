// Inserts subscriptions into the database and reads the deliveries that the relay made for them.
import type pg from 'pg';

export interface Subscriber {
  tenant?: string;
  topic: string;
  environmentIds?: string[] | null;
  /** Further columns as SQL text: `disabled_at: 'now()'`. */
  set?: Record<string, string>;
}

export async function subscribe(pool: pg.Pool, { tenant = 'acme', topic, environmentIds = null, set = {} }: Subscriber): Promise<string> {
  const columns = Object.keys(set).map((name) => `, ${name}`);
  const values = Object.values(set).map((value) => `, ${value}`);
  const { rows } = await pool.query(
    `INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id, environment_ids${columns.join('')})
     SELECT $1, 'owner', id, $3${values.join('')} FROM hookgraph.topics WHERE key = $2 RETURNING id`,
    [tenant, topic, environmentIds],
  );
  return rows[0].id;
}

export interface Delivered {
  subscription: string;
  typename: string;
  key: string;
  tenant: string;
  state: string;
  reason: string | null;
}

export async function deliveries(pool: pg.Pool): Promise<Delivered[]> {
  const { rows } = await pool.query<Delivered>(
    `SELECT subscription_id AS subscription, typename, node_key AS key, s.tenant, state, reason FROM hookgraph.whole_deliveries d
     JOIN hookgraph.subscriptions s ON s.id = d.subscription_id ORDER BY event_id, d.id`,
  );
  return rows;
}
