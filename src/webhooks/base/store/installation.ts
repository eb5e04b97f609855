// Stores the public address of the API, for the other processes of the installation.
import type { Pool } from 'pg';

/** The base URL of the API, and the domain that notifications name. */
export interface ApiAddress {
  baseUrl: string;
  domain: string;
}

/** Stores the address. A default address doesn't replace an address that was configured. */
export async function storeApiAddress(
  pool: Pool,
  { baseUrl, domain }: ApiAddress,
  { isConfigured }: { isConfigured: boolean },
): Promise<void> {
  await pool.query(
    `INSERT INTO hookgraph.installation AS known (id, base_url, domain, is_configured) VALUES (1, $1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET base_url = $1, domain = $2, is_configured = $3 WHERE $3 OR NOT known.is_configured`,
    [baseUrl, domain, isConfigured],
  );
}

/** Returns the stored address; `null` before any API has started. */
export async function readApiAddress(pool: Pool): Promise<ApiAddress | null> {
  const { rows } = await pool.query<ApiAddress>('SELECT base_url AS "baseUrl", domain FROM hookgraph.installation');
  return rows[0] ?? null;
}
