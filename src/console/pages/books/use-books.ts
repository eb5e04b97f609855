// Reads the books page by page and adds the pages up. The API needs about a second for each page.
import { useEffect, useState } from 'react';
import { useApi } from '../../app/queries';
import { BOOKS, type Books } from './queries';
import { join } from './sums';

/** `since`: the start of the period; `null`: all kept events. `until`: the time of the count, so that all pages have the same period. */
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
