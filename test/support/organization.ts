// Makes a new organization with its ids, a token of its admin, and a function that inserts users.
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';

export interface Organization {
  id: string;
  adminId: string;
  /** An API token of the organization's admin. */
  token: string;
  /** Inserts users with these last names in one raw SQL statement. */
  insertUsers(lastNames: string[]): Promise<void>;
}

/** The query and template that put the user's last name into each body. */
export const LAST_NAME = {
  query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { lastName } } }',
  template: '{"name": "{{ data.node.lastName }}"}',
};
export const nameIn = ({ body }: { body: string }): string => JSON.parse(body).name;
export const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

export async function makeOrganization(pool: pg.Pool): Promise<Organization> {
  const token = randomBytes(16).toString('hex');
  const { rows } = await pool.query<{ id: string; adminId: string }>(
    `WITH o AS (INSERT INTO organizations (name, permalink) VALUES ('Test', $1) RETURNING id),
     u AS (INSERT INTO users (organization_id, first_name, last_name, admin) SELECT id, 'The', 'Admin', true FROM o RETURNING id, organization_id),
     t AS (INSERT INTO api_tokens (user_id, name, token_hash) SELECT id, 'test', $2 FROM u)
     SELECT organization_id AS id, id AS "adminId" FROM u`,
    [`test-${token}`, createHash('sha256').update(token).digest('hex')],
  );
  const [{ id, adminId }] = rows as [{ id: string; adminId: string }];
  return {
    id,
    adminId,
    token,
    insertUsers: async (lastNames) => {
      await pool.query(`INSERT INTO users (organization_id, first_name, last_name) SELECT $1, 'A', unnest($2::text[])`, [id, lastNames]);
    },
  };
}
