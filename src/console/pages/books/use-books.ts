// Reads the books page by page, each of which takes the API about a second, and adds them up.
import { useEffect, useState } from 'react';
import { useApi } from '../../app/queries';
import { BOOKS, type Books } from './queries';
import { join } from './sums';

/** `since`: `null` for all that is kept. `until`: the moment of the count, so that all pages are about the same period. */
export function useBooks(since: string | null, until: string) {
  const key = `${since} ${until}`;
  const [kept, setKept] = useState<{ key: string; sum: Books | null }>({ key, sum: null });
  const sum = kept.key === key ? kept.sum : null;
  const isWhole = sum?.webhookAudit.hasNextPage === false;
  const after = sum?.webhookAudit.endCursor ?? null;
  const query = useApi(BOOKS, { since, until, after }, { keep: false, enabled: !isWhole });
  const page = isWhole ? undefined : query.data;
  useEffect(() => {
    if (page) setKept((before) => ({ key, sum: before.key === key && before.sum ? join(before.sum, page) : page }));
  }, [page, key]);
  return { query: { ...query, data: sum ?? undefined }, isWhole };
}
