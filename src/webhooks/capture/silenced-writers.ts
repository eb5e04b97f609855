// Finds settings of roles, of the database and of the server with which sessions write without firing the capture triggers.
import type { Pool } from 'pg';

/** A setting, and how to reset it. Both are sentences without a full stop. */
export interface SilencedWriters {
  message: string;
  hint: string;
}

const SILENCED = `
  SELECT role, is_database AS "isDatabase", setting, source, quote_ident(current_database()) AS database
  FROM (
    SELECT
      quote_ident(r.rolname) AS role, s.setdatabase <> 0 AS is_database, split_part(entry, '=', 1) AS setting,
      substr(entry, strpos(entry, '=') + 1) AS value, NULL AS source
    FROM pg_db_role_setting s
    CROSS JOIN unnest(s.setconfig) entry
    LEFT JOIN pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION ALL
    SELECT NULL, false, name, setting, source
    FROM pg_settings
    WHERE source IN ('configuration file', 'command line')
  ) settings
  WHERE (lower(setting), lower(value)) IN (('session_replication_role', 'replica'), ('hookgraph.capture', 'off'),
    ('hookgraph.capture', 'false'), ('hookgraph.capture', 'no'), ('hookgraph.capture', '0'))
  ORDER BY role NULLS FIRST, setting`;

interface Row {
  role: string | null;
  isDatabase: boolean;
  setting: string;
  source: string | null;
  database: string;
}

export async function findSilencedWriters(pool: Pool): Promise<SilencedWriters[]> {
  const { rows } = await pool.query<Row>(SILENCED);
  return rows.map(({ role, isDatabase, setting, source, database }) => {
    const who = role === null ? 'any session' : `the role ${role}`;
    const where = role === null ? `DATABASE ${database}` : `ROLE ${role}${isDatabase ? ` IN DATABASE ${database}` : ''}`;
    return {
      message: `changes by ${who} are not recorded, because the setting ${setting} turns the triggers off`,
      hint:
        source === null
          ? `Unless that is meant, run: ALTER ${where} RESET ${setting}`
          : `Unless that is meant, remove it from the ${source} of Postgres.`,
    };
  });
}
