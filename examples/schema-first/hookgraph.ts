// Contains all the code that the helpdesk needs for Hookgraph.
import { createHookgraph } from 'hookgraph';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { type Context, ownSchema, type Tables } from './schema.js';

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const open = (pool: pg.Pool) => new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
const db = open(pool);
const agents = (db: Kysely<Tables>) => db.selectFrom('agents').select(['id', 'workspace_id', 'is_admin']);

export async function contextOf(request: Request): Promise<Context> {
  const token = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? '';
  return { db, agent: (await agents(db).where('token', '=', token).executeTakeFirst()) ?? null };
}

export const hooks = createHookgraph<Context>({
  database: pool,
  keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS ?? '',
  schema: ownSchema,
  tables: {
    defaults: { tenant: 'workspace_id' },
    Ticket: { omit: ['internal_note'], when: { 'ticket/closed': { status: 'closed' } } },
    Comment: { tenant: { of: 'ticket' } },
  },
  find: { Ticket: 'ticket(id: $id)', Comment: 'comment(ticketId: $ticketId, number: $number)' },
  // Signs in the owner of a stored query, on connections that only read.
  signIn: async ({ tenant, userId }, { pool }) => {
    const reader = open(pool);
    const agent = await agents(reader).where('id', '=', Number(userId)).where('workspace_id', '=', tenant).executeTakeFirst();
    return agent ? { db: reader, agent } : null;
  },
  context: contextOf,
  actor: ({ agent }) => agent && { tenant: agent.workspace_id, userId: String(agent.id), canManageWebhooks: agent.is_admin },
  settings: { headerPrefix: 'X-Helpdesk-', allowedNetworks: process.env.ALLOWED_NETWORKS?.split(',') ?? [] },
});
