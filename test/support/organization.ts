// An organization of the sample data in; its ids, a token of its admin, and a way to write its users out.
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';

export interface Organization {
  id: string;
  adminId: string;
  /** An API token of its admin. */
  token: string;
  /** Makes users with these last names, in one statement of raw SQL. */
  insertUsers(lastNames: string[]): Promise<void>;
}

/** What a subscription asks for so that each body carries its user's last name. */
export const LAST_NAME = {
  query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { lastName } } }',
  template: '{"name": "{{ data.node.lastName }}"}',
};
export const nameIn = ({ body }: { body: string }): string => JSON.parse(body).name;
export const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

export async function organization(pool: pg.Pool, permalink: 'acme' | 'globex' = 'acme'): Promise<Organization> {
  const { rows } = await pool.query<{ id: string; adminId: string }>(
    `SELECT o.id, u.id AS "adminId" FROM organizations o JOIN users u ON u.organization_id = o.id AND u.admin WHERE o.permalink = $1`,
    [permalink],
  );
  const [{ id, adminId }] = rows as [{ id: string; adminId: string }];
  const token = randomBytes(16).toString('hex');
  await pool.query(`INSERT INTO api_tokens (user_id, name, token_hash) VALUES ($1, 'test', $2)`, [
    adminId,
    createHash('sha256').update(token).digest('hex'),
  ]);
  return {
    id,
    adminId,
    token,
    insertUsers: async (lastNames) => {
      await pool.query(`INSERT INTO users (organization_id, first_name, last_name) SELECT $1, 'A', unnest($2::text[])`, [id, lastNames]);
    },
  };
}
