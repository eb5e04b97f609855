// Runs the baseline's API: createUser writes the row and adds the job in one transaction. Looks up tokens as Hookgraph's sample does.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import pg from 'pg';

const { DATABASE_URL = '' } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });

interface Viewer {
  user_id: string;
  organization_id: string;
}

async function viewerOf(request: Request): Promise<Viewer> {
  const token = request.headers.get('authorization')?.replace(/^Token token=/, '') ?? '';
  const { rows } = await pool.query<Viewer>({
    name: 'viewer',
    text: 'SELECT u.id AS user_id, u.organization_id FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE t.token_hash = $1 AND NOT u.disabled',
    values: [createHash('sha256').update(token).digest('hex')],
  });
  if (!rows[0]) throw new Error('Nobody has this token.');
  return rows[0];
}

interface UserInput {
  firstName: string;
  lastName: string;
  email: string;
}

async function createUser(viewer: Viewer, { firstName, lastName, email }: UserInput) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query({
      name: 'create-user',
      text: `INSERT INTO users (organization_id, first_name, last_name, email) VALUES ($1, $2, $3, $4)
             RETURNING id, first_name AS "firstName", last_name AS "lastName", email`,
      values: [viewer.organization_id, firstName, lastName, email],
    });
    await client.query({
      name: 'add-job',
      text: `SELECT graphile_worker.add_job('deliver', json_build_object('userId', $1::text, 'path', '/'))`,
      values: [rows[0].id],
    });
    await client.query('COMMIT');
    return rows[0];
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const yoga = createYoga<object, { viewer: Viewer }>({
  graphqlEndpoint: '/api/v3/graphql',
  logging: false,
  context: async ({ request }) => ({ viewer: await viewerOf(request) }),
  schema: createSchema({
    typeDefs: `
      type User { id: ID! firstName: String! lastName: String! email: String }
      input UserInput { firstName: String! lastName: String! email: String }
      type CreateUserPayload { user: User }
      type Mutation { createUser(user: UserInput!): CreateUserPayload }
      type Query { hello: String }`,
    resolvers: {
      Mutation: {
        createUser: async (_: unknown, { user }: { user: UserInput }, { viewer }: { viewer: Viewer }) => ({
          user: await createUser(viewer, user),
        }),
      },
    },
  }),
});

const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
