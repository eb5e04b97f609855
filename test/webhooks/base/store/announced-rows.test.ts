import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnnouncedNode } from '../../../../src/webhooks/base/model.js';
import { keysWithin, newestKeys, readRowsAfter, rowsNow } from '../../../../src/webhooks/base/store/announced-rows.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await db.pool.query(`
    CREATE TABLE public."Odd ""table""" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "the org" int, made timestamptz NOT NULL, gone timestamptz);
    CREATE INDEX odd_newest ON public."Odd ""table""" ("the org", made, id);
    INSERT INTO public."Odd ""table""" (id, "the org", made) SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, i % 2, '2026-01-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 20000) i;
    CREATE TABLE public.part (whole uuid, number int, made timestamptz DEFAULT now(), PRIMARY KEY (whole, number));
    INSERT INTO public.part (whole, number) SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, i FROM generate_series(1, 4) i;
    CREATE TABLE public.piece (id int PRIMARY KEY, part_whole uuid);
    INSERT INTO public.piece SELECT i, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid FROM generate_series(1, 4) i;
    ANALYZE`);
});
afterAll(() => db.close());

const uuid = (i: number) => `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`;
const whole: AnnouncedNode = {
  typename: 'Whole',
  table: { schema: 'public', name: 'Odd "table"' },
  key: ['id'],
  columns: {},
  tenant: { column: 'the org' },
  createdAt: 'made',
  softDelete: { column: 'gone' },
};
const part: AnnouncedNode = {
  typename: 'Part',
  table: { schema: 'public', name: 'part' },
  key: ['whole', 'number'],
  columns: {},
  tenant: { parent: { column: 'whole', typename: 'Whole' } },
};
const bySql: AnnouncedNode = { ...part, tenant: { sql: `(SELECT o."the org" FROM public."Odd ""table""" o WHERE o.id = r.whole)` } };
const piece: AnnouncedNode = {
  typename: 'Piece',
  table: { schema: 'public', name: 'piece' },
  key: ['id'],
  columns: {},
  tenant: { sql: '(SELECT 1)' },
};
const nodes = [whole, part, piece];

describe('the newest rows of a tenant', () => {
  it('come by the time of creation, without those that are softly deleted', async () => {
    expect(await newestKeys(db.pool, whole, nodes, '1', 2)).toEqual([uuid(19_999), uuid(19_997)]);
    await db.pool.query(`UPDATE public."Odd ""table""" SET gone = now() WHERE id = $1`, [uuid(19_999)]);
    expect(await newestKeys(db.pool, whole, nodes, '1', 1)).toEqual([uuid(19_997)]);
    expect(await newestKeys(db.pool, whole, nodes, '7', 1)).toEqual([]);
  });

  it('are read from the index behind the tenant, not from the table', async () => {
    let plan = '';
    const explained = {
      query: async (text: string, values: unknown[]) => {
        plan = JSON.stringify((await db.pool.query(`EXPLAIN (FORMAT JSON) ${text}`, values)).rows);
        return { rows: [] };
      },
    };
    await newestKeys(explained as never, whole, nodes, '1', 10);
    expect(plan).toContain('"Scan Direction":"Backward","Index Name":"odd_newest"');
    expect(plan).not.toMatch(/Seq Scan|"Sort"/);
  });

  it('are found where the tenant is on a parent, or a host’s expression; a key of several columns is their list', async () => {
    for (const node of [part, bySql]) {
      expect(await newestKeys(db.pool, node, nodes, '1', 9)).toEqual([JSON.stringify([uuid(3), '3']), JSON.stringify([uuid(1), '1'])]);
    }
    // No child of the second row belongs to tenant 1.
    const children: AnnouncedNode = { ...whole, typename: 'Bunch', tenant: { children: { typename: 'Shard', columns: ['part_whole'] } } };
    const shard: AnnouncedNode = { ...piece, typename: 'Shard', tenant: { sql: '(r.id % 2)::text' } };
    const several: AnnouncedNode = { ...part, tenant: { several: { typename: 'Share', columns: ['whole', 'number'] } } };
    const share: AnnouncedNode = { ...part, typename: 'Share' };
    expect(await newestKeys(db.pool, children, [children, shard], '1', 9)).toEqual([uuid(3), uuid(1)]);
    expect(await keysWithin(db.pool, children, [children, shard], '0', [uuid(1), uuid(2)])).toEqual(new Set([uuid(2)]));
    expect(await newestKeys(db.pool, several, [several, share, whole], '0', 9)).toEqual([
      JSON.stringify([uuid(4), '4']),
      JSON.stringify([uuid(2), '2']),
    ]);
    const deeper: AnnouncedNode = { ...piece, tenant: { parent: { column: 'part_whole', typename: 'Middle' } } };
    const middle: AnnouncedNode = { ...bySql, typename: 'Middle', key: ['whole'] };
    expect(await newestKeys(db.pool, deeper, [whole, middle, deeper], '0', 9)).toEqual(['4', '2']);
  });
});

describe('the keys within a tenant', () => {
  it('are those of its own rows; what no key can be is none, and no error', async () => {
    const asked = [uuid(1), uuid(2), uuid(3), 'nonsense', '', 'a\0b'];
    expect(await keysWithin(db.pool, whole, nodes, '1', asked)).toEqual(new Set([uuid(1), uuid(3)]));
    const pair = JSON.stringify([uuid(1), '1']);
    expect(await keysWithin(db.pool, part, nodes, '1', [pair, JSON.stringify([uuid(2), '2']), '[]', '7', '{'])).toEqual(new Set([pair]));
  });
});

describe('all rows, step by step', () => {
  const walk = async (node: AnnouncedNode, others: AnnouncedNode[], tenant: string, limit: number): Promise<string[]> => {
    const own: string[] = [];
    for (let after: string[] | null = null; ; ) {
      const { rows } = await readRowsAfter(db.pool, node, others, { tenant, after, limit });
      own.push(...rows.filter(({ isOwn }) => isOwn).map(({ key }) => key.join(' ')));
      if (rows.length < limit) return own;
      after = rows.at(-1)?.key ?? null;
    }
  };

  it('are found in steps of any size, whatever has the tenant and however many columns the key has', async () => {
    const parts = [2, 4].map((i) => `${uuid(i)} ${i}`);
    const children: AnnouncedNode = { ...whole, typename: 'Bunch', tenant: { children: { typename: 'Shard', columns: ['part_whole'] } } };
    const shard: AnnouncedNode = { ...piece, typename: 'Shard', tenant: { sql: '(r.id % 2)::text' } };
    for (const limit of [1, 2, 3, 9]) {
      for (const node of [part, bySql]) expect(await walk(node, nodes, '0', limit)).toEqual(parts);
      expect(await walk(piece, nodes, '1', limit)).toEqual(['1', '2', '3', '4']);
    }
    expect(await walk(children, [children, shard], '1', 7_000)).toEqual([uuid(1), uuid(3)]);
    expect(await walk(whole, nodes, '1', 1_000)).toHaveLength(9_999);
  });

  it('are read by the index of the key, and no further than the step', async () => {
    const plans: string[] = [];
    const explained = {
      query: async (text: string, values: unknown[]) => {
        plans.push(JSON.stringify((await db.pool.query(`EXPLAIN (FORMAT JSON) ${text}`, values)).rows));
        return { rows: [{ rows: [] }] };
      },
    } as never;
    await readRowsAfter(explained, whole, nodes, { tenant: '1', after: [uuid(7_000)], limit: 100 });
    await rowsNow(explained, whole, nodes, '1', [uuid(1), uuid(2)]).catch(() => {});
    for (const plan of plans) {
      expect(plan).toContain('Odd \\"table\\"_pkey');
      expect(plan).not.toContain('Seq Scan');
    }
    expect(plans).toHaveLength(2);
  });

  it('are the tenant’s own, with the announced columns alone, when they are read by their keys', async () => {
    const shown = { ...part, columns: { number: 'number', whole: 'whole' } };
    const keys = [1, 2, 4, 5].map((i) => JSON.stringify([uuid(i), `${i}`]));
    const found = await rowsNow(db.pool, shown, [whole, shown], '0', [...keys, '{']);
    expect([...found.keys()].sort()).toEqual([keys[1], keys[2]]);
    expect(found.get(keys[1] as string)).toEqual({ number: '2', whole: JSON.stringify(uuid(2)) });
    expect(await rowsNow(db.pool, whole, nodes, '1', [uuid(19_999), uuid(19_997)])).toEqual(new Map([[uuid(19_997), {}]]));
  });
});
