// Gives the application its own role in the embedded Postgres. The role owns the database and is no superuser: it can read
// no file, start no program and change no setting of the server.
import pg from 'pg';

export const APP_ROLE = 'hookgraph_app';
export const DATABASE = 'hookgraph';

const ROLE = pg.escapeIdentifier(APP_ROLE);

/** Creates role and database, and hands over a database of an earlier version. `superuser` is connected to another database. */
export async function prepareDatabase(superuser: pg.Client, superuserUrl: string, password: string): Promise<void> {
  const { rows: standby } = await superuser.query('SELECT pg_is_in_recovery() AS "isStandby"');
  if (standby[0].isStandby) return;
  const { rows } = await superuser.query<{ hasRole: boolean; owner: string | null }>(
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "hasRole", (SELECT datdba::regrole::text FROM pg_database WHERE datname = $2) AS owner`,
    [APP_ROLE, DATABASE],
  );
  const [{ hasRole, owner }] = rows as [(typeof rows)[number]];
  await superuser.query(
    `${hasRole ? 'ALTER' : 'CREATE'} ROLE ${ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${pg.escapeLiteral(password)}`,
  );
  if (owner === null) await superuser.query(`CREATE DATABASE ${pg.escapeIdentifier(DATABASE)} OWNER ${ROLE}`);
  else if (owner !== APP_ROLE) await handOver(superuserUrl);
}

/** Makes the role the owner of the database and of all its objects that belong to the superuser, in one transaction. */
async function handOver(superuserUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl, application_name: 'hookgraph owner' });
  // Ignores the event, which would end the process otherwise. Statements on a broken connection reject anyway.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(HAND_OVER);
  } finally {
    await client.end();
  }
}

/** Leaves the owner of extensions' members unchanged. A sequence of a column changes its owner together with the column's table. */
const HAND_OVER = `DO $$
DECLARE
  statement text;
BEGIN
  FOR statement IN
    WITH namespaces AS (
      SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ), kept AS (
      SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
    )
    SELECT format('ALTER SCHEMA %I OWNER TO ${APP_ROLE}', nspname) FROM namespaces
    WHERE nspowner = 10 AND ('pg_namespace'::regclass, oid) NOT IN (SELECT classid, objid FROM kept)
    UNION ALL
    SELECT format('ALTER %s %s OWNER TO ${APP_ROLE}', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
      WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass)
    FROM pg_class c JOIN namespaces n ON n.oid = c.relnamespace
    WHERE relowner = 10 AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM kept)
      AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT format('ALTER ROUTINE %s OWNER TO ${APP_ROLE}', p.oid::regprocedure) FROM pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
    WHERE proowner = 10 AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM kept)
    UNION ALL
    SELECT format('ALTER TYPE %s OWNER TO ${APP_ROLE}', t.oid::regtype) FROM pg_type t JOIN namespaces n ON n.oid = t.typnamespace
    WHERE typowner = 10 AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM kept)
      AND (typtype IN ('d', 'e', 'r') OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
  LOOP
    EXECUTE statement;
  END LOOP;
  ALTER DATABASE ${DATABASE} OWNER TO ${APP_ROLE};
END $$`;
