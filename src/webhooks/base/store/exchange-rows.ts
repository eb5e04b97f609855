// Blanks single exchanges (request and response of an attempt) in the rows of `exchanges`, which several attempts share.
import type { PoolClient } from 'pg';
import type { BodyOmitted } from '../model.js';
import { blanked } from './exchanges.js';

export interface ExchangeKey {
  /** `null` for an attempt that sent nothing, or whose request is in columns of its own. */
  exchangeId: string | null;
  place: number;
  isError: boolean;
}

/** Blanks the exchanges with these keys and stores `omitted` as the reason. Locks the rows in the order of their ids. */
export async function blankExchanges(client: PoolClient, keys: readonly ExchangeKey[], omitted: BodyOmitted): Promise<void> {
  for (const isError of [true, false]) {
    const places = new Map<string, number[]>();
    for (const { exchangeId, place, isError: isOfErrors } of keys)
      if (exchangeId !== null && isOfErrors === isError) places.set(exchangeId, [...(places.get(exchangeId) ?? []), place]);
    if (places.size === 0) continue;
    const { rows } = await client.query<{ id: string; entries: Buffer }>(
      'SELECT id, entries FROM hookgraph.exchanges WHERE is_error = $1 AND id = ANY ($2::bigint[]) ORDER BY id FOR UPDATE',
      [isError, [...places.keys()]],
    );
    await client.query(
      `UPDATE hookgraph.exchanges x SET entries = n.entries FROM unnest($2::bigint[], $3::bytea[]) AS n (id, entries)
       WHERE x.is_error = $1 AND x.id = n.id`,
      [isError, rows.map(({ id }) => id), rows.map(({ id, entries }) => blanked(entries, places.get(id) ?? [], omitted))],
    );
  }
}
