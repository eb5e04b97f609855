// Opens a Prisma client of the sample on a read-only pool, as stored queries use it, but without snapshots and fair sharing.

import { openPrisma } from '../../src/sample/prisma.js';
import { openReadOnlyPool } from '../../src/sources/limited-reader.js';

export function openReader(url: string, options: Parameters<typeof openReadOnlyPool>[1]) {
  const pool = openReadOnlyPool(url, options);
  const prisma = openPrisma(pool);
  return {
    prisma,
    pool,
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
