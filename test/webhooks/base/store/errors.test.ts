import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Owner } from '../../../../src/webhooks/base/model.js';
import { countErrorsOf, dismissErrors, errorsByIds, listErrors, listErrorsOf } from '../../../../src/webhooks/base/store/errors.js';
import { toPage } from '../../../../src/webhooks/base/store/page.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';
import { insertDeliveries, insertSubscription } from '../../../support/engine-rows.js';

const owner: Owner = { tenant: 'org', userId: 'user' };
let db: TestDatabase;
let one: string;
let two: string;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.pool.query('TRUNCATE hookgraph.attempts, hookgraph.dismissals');
  [one, two] = [await insertSubscription(db.pool), await insertSubscription(db.pool)];
});

async function attempts(
  subscriptionId: string,
  outcomes: string[],
  { stage = 'STATUS', at = null as Date | null } = {},
): Promise<string[]> {
  const [delivery] = await insertDeliveries(db.pool, subscriptionId, 1);
  const { rows } = await db.pool.query<{ id: string }>(
    `INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, stage, message, started_at, duration_ms)
     SELECT coalesce(hookgraph.id_at($4) + i, hookgraph.next_id()), $1, $2, 1, i, outcome, $5, 'failed ' || i, now(), 1
     FROM unnest($3::text[]) WITH ORDINALITY AS o (outcome, i) RETURNING id`,
    [delivery, subscriptionId, outcomes, at, stage],
  );
  return rows.map((row) => row.id);
}
const list = async (filter = {}, page = {}, ids: string[] | null = [one, two]) =>
  (await listErrors(db.pool, owner, ids, filter, toPage(page))).rows.map(({ id }) => id);

describe('errors', () => {
  it('are the attempts that failed or had nothing to send, of all subscriptions, newest first', async () => {
    const [failed, , held] = await attempts(one, ['FAILED', 'DELIVERED', 'HELD', 'SKIPPED']);
    const [later] = await attempts(two, ['FAILED']);
    expect(await list()).toEqual([later, held, failed]);
    expect(await list({}, {}, [one])).toEqual([held, failed]);
    expect([...(await countErrorsOf(db.pool, owner, [one, two], {}))].sort()).toEqual(
      [
        [one, 2],
        [two, 1],
      ].sort(),
    );
    const [error] = (await listErrors(db.pool, owner, [two], {}, toPage({}))).rows;
    expect(error).toMatchObject({
      subscriptionId: two,
      typename: 'Thing',
      nodeKey: '1',
      outcome: 'FAILED',
      stage: 'STATUS',
      message: 'failed 1',
    });
    expect(Math.abs(Date.now() - (error?.createdAt.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it('are filtered by stage, by topic and by time, to the millisecond and both ends included', async () => {
    const at = new Date('2026-05-05T12:00:00.123Z');
    const [old] = await attempts(one, ['FAILED'], { at });
    const [recent] = await attempts(one, ['HELD'], { stage: 'QUERY' });
    expect(await list({ stage: 'QUERY' })).toEqual([recent]);
    expect(await list({ topicKey: 'thing/created' })).toEqual([recent, old]);
    expect(await list({ topicKey: 'thing/deleted' })).toEqual([]);
    const around = (ms: number) => new Date(at.getTime() + ms);
    expect(await list({ createdAtMin: at, createdAtMax: at })).toEqual([old]);
    expect(await list({ createdAtMin: around(1) })).toEqual([recent]);
    expect(await list({ createdAtMax: around(-1) })).toEqual([]);
    expect(await list({ createdAtMin: new Date('0001-01-01T00:00:00Z'), createdAtMax: new Date('9999-01-01T00:00:00Z') })).toEqual([
      recent,
      old,
    ]);
    expect((await errorsByIds(db.pool, owner, [old as string])).get(old as string)?.createdAt).toEqual(at);
  });

  it('are read page by page, for many subscriptions in one statement', async () => {
    const ids = (await attempts(one, Array(5).fill('FAILED'))).reverse();
    const theirs = (await attempts(two, ['FAILED', 'FAILED'])).reverse();
    expect(await list({}, { first: 2 }, [one])).toEqual(ids.slice(0, 2));
    const after = Buffer.from(ids[1] as string).toString('base64url');
    expect(await list({}, { first: 2, after }, [one])).toEqual(ids.slice(2, 4));
    expect(await list({}, { last: 2 }, [one])).toEqual(ids.slice(3));
    const pages = await listErrorsOf(db.pool, owner, [one, two], {}, toPage({ first: 3 }));
    expect(pages.get(one)).toMatchObject({ hasNextPage: true, rows: ids.slice(0, 3).map((id) => ({ id })) });
    expect(pages.get(two)).toMatchObject({ hasNextPage: false, rows: theirs.map((id) => ({ id })) });
  });

  it('are gone once dismissed, and their attempts are not; again changes nothing', async () => {
    const [first, second] = (await attempts(one, ['FAILED', 'FAILED'])) as [string, string];
    const before = (await db.pool.query('SELECT * FROM hookgraph.attempts ORDER BY id')).rows;
    const round = () => dismissErrors(db.pool, owner, [first, first]);
    expect([await round(), await round()]).toEqual([
      { missing: [], dismissed: { [one]: 1 } },
      { missing: [], dismissed: {} },
    ]);
    expect(await list()).toEqual([second]);
    expect((await errorsByIds(db.pool, owner, [first, second])).size).toBe(1);
    expect([...(await countErrorsOf(db.pool, owner, [one], {})).values()]).toEqual([1]);
    expect((await db.pool.query('SELECT * FROM hookgraph.attempts ORDER BY id')).rows).toEqual(before);
    expect((await db.pool.query('SELECT attempt_id, dismissed_by FROM hookgraph.dismissals')).rows).toEqual([
      { attempt_id: first, dismissed_by: 'user' },
    ]);
  });

  it('are dismissed all or none: what is no error of the owner is missing', async () => {
    const [failed, delivered] = (await attempts(one, ['FAILED', 'DELIVERED'])) as [string, string];
    for (const stranger of [
      { ...owner, userId: 'other' },
      { ...owner, tenant: 'other' },
    ]) {
      expect(await dismissErrors(db.pool, stranger, [failed])).toEqual({ missing: [failed], dismissed: {} });
      expect((await listErrors(db.pool, stranger, null, {}, toPage({}))).rows).toEqual([]);
      expect((await errorsByIds(db.pool, stranger, [failed])).size).toBe(0);
    }
    expect(await dismissErrors(db.pool, owner, [failed, delivered, 'nonsense', '7'])).toEqual({
      missing: [delivered, 'nonsense', '7'],
      dismissed: {},
    });
    expect(await list()).toEqual([failed]);
  });

  it('are found by the partial index, however many attempts went well', async () => {
    await attempts(one, [...Array(3_000).fill('DELIVERED'), ...Array(30).fill('FAILED')]);
    await db.pool.query('ANALYZE hookgraph.attempts');
    // Each partition's part of the index has its own name.
    const { rows } = await db.pool.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'hookgraph.attempts_in_error'::regclass`,
    );
    let plan = '';
    const explained = {
      query: async (text: string, values: unknown[]) => {
        plan = JSON.stringify((await db.pool.query(`EXPLAIN (FORMAT JSON) ${text}`, values)).rows);
        return { rows: [] };
      },
    };
    await listErrors(explained as never, owner, [one], {}, toPage({ first: 10 }));
    expect(rows.some(({ name }) => plan.includes(`"Index Name":"${name}"`))).toBe(true);
    expect(plan).not.toMatch(/"Node Type":"Seq Scan"[^}]*"Relation Name":"attempts_/);
  });
});
