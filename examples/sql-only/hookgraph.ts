// Contains all the code that this application needs for Hookgraph.
import { createHookgraph } from 'hookgraph';
import pg from 'pg';

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

interface Context {
  staff: { id: number; shop_id: number; may_manage: boolean } | null;
}

export const hooks = createHookgraph<Context>({
  database: pool,
  keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS ?? '',
  tables: {
    defaults: { tenant: 'shop_id' },
    Product: { omit: ['purchase_price'] },
    Order: { when: { 'order/paid': { status: 'paid' } } },
    OrderLine: { tenant: { of: 'order_id' } },
  },
  // Signs in the owner of a stored query. A person who has left the shop receives nothing any more.
  signIn: async ({ tenant, userId }, { pool }) => {
    const { rows } = await pool.query('SELECT id, shop_id, may_manage FROM staff WHERE id = $1 AND shop_id = $2', [userId, tenant]);
    return rows[0] ? { staff: rows[0] } : null;
  },
  // Who asks the API.
  context: async (request) => {
    const key = request.headers.get('authorization')?.replace(/^Bearer /, '');
    const { rows } = await pool.query('SELECT id, shop_id, may_manage FROM staff WHERE api_key = $1', [key]);
    return { staff: rows[0] ?? null };
  },
  actor: ({ staff }) => staff && { tenant: String(staff.shop_id), userId: String(staff.id), canManageWebhooks: staff.may_manage },
  settings: { headerPrefix: 'X-Warehouse-', allowedNetworks: process.env.ALLOWED_NETWORKS?.split(',') ?? [] },
});
