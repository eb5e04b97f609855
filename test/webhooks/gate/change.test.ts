import { expect, it } from 'vitest';
import { type Change, isSameChange, readChange } from '../../../src/webhooks/gate/change.js';

const texts = (row: object | null) =>
  row && Object.fromEntries(Object.entries(row).map(([column, value]) => [column, JSON.stringify(value)]));
const event = (operation: string, before: object | null, after: object | null) => ({
  operation,
  tenant: 'org',
  environment: null,
  before: before && JSON.stringify(before),
  after: after && JSON.stringify(after),
  changed: operation === 'updated' ? Object.keys(after ?? {}) : null,
  context: null,
  rowBefore: texts(before),
  rowAfter: texts(after),
});
const read = (...events: object[]) => readChange(async () => events, 'Thing', '7');

it('takes several events of one row for one change, from the first row to the last', async () => {
  expect(await read(event('updated', { n: 1 }, { n: 2 }), event('updated', { n: 2 }, { n: 3 }))).toEqual({
    operation: 'updated',
    tenant: 'org',
    environment: null,
    key: '7',
    before: '{"n":1}',
    snapshot: { typename: 'Thing', key: '7', columns: { n: 3 }, ahead: true },
    event: { operation: 'updated', changed: ['n'], before: { n: '1' }, after: { n: '3' }, context: null },
  });
  // A field that changes and changes back is unchanged.
  expect(await read(event('updated', { n: 1, m: 1 }, { n: 2, m: 2 }), event('updated', { n: 2, m: 2 }, { n: 1, m: 2 }))).toMatchObject({
    event: { changed: ['m'] },
  });
  // Values that were cut when they were recorded may differ, although their recorded forms are equal.
  const cut = { n: 'text... (cut: 2000000 bytes)' };
  expect(await read(event('updated', cut, cut), event('updated', cut, cut))).toMatchObject({ event: { changed: ['n'] } });
  expect(await read(event('created', null, { n: 1 }), event('updated', { n: 1 }, { n: 2 }))).toMatchObject({ operation: 'created' });
  expect(await read(event('updated', { n: 1 }, { n: 2 }), event('deleted', { n: 2 }, null))).toMatchObject({
    operation: 'deleted',
    snapshot: { columns: { n: 1 } },
  });
  expect(await read()).toBeNull();
});

it('takes a trigger’s change, which Postgres records before the change that fired the trigger, for the later one', async () => {
  const followed = await read(event('updated', { n: 1 }, { n: 2 }), event('created', null, { n: 1 }));
  expect(followed).toMatchObject({ operation: 'created', before: null, snapshot: { columns: { n: 2 } }, event: { after: { n: '2' } } });
  const updated = await read(event('updated', { n: 1, m: 2 }, { n: 2, m: 2 }), event('updated', { n: 1, m: 1 }, { n: 1, m: 2 }));
  expect(updated).toMatchObject({ before: '{"n":1,"m":1}', snapshot: { columns: { n: 2, m: 2 } }, event: { changed: ['n', 'm'] } });
  const deleted = await read(event('deleted', { n: 2 }, null), event('updated', { n: 1 }, { n: 2 }));
  expect(deleted).toMatchObject({ operation: 'deleted', before: '{"n":1}' });
});

it('takes what a trigger leads back to where it began for no change', async () => {
  const [made, followed] = [event('created', null, { n: 1 }), event('updated', { n: 1 }, { n: 2 })];
  expect(await read(followed, made, event('deleted', { n: 2 }, null))).toBeNull();
  const [there, back] = [event('updated', { n: 2 }, { n: 4 }), event('updated', { n: 4 }, { n: 1 })];
  expect(await read(followed, there, back)).toMatchObject({ before: '{"n":1}', event: { changed: [] } });
  expect(await read(back, followed, there)).toMatchObject({ event: { changed: [] } });
  expect(await read(followed, back, there)).toBeNull();
});

it('is the same change as long as the row that it finds is the same', async () => {
  const seen = (await read(event('updated', { n: 1 }, { n: 2, at: 'now' }))) as Change;
  expect(isSameChange(seen, await read(event('updated', { n: 1 }, { n: 2, at: 'later' })))).toBe(true);
  expect(isSameChange(seen, await read(event('updated', { n: 0 }, { n: 2, at: 'now' })))).toBe(false);
  expect(isSameChange(seen, await read(event('deleted', { n: 1 }, null)))).toBe(false);
  expect(isSameChange(seen, null)).toBe(false);
  expect(isSameChange(null, seen)).toBe(false);
  expect(isSameChange(null, null)).toBe(true);
  expect(isSameChange(seen, { ...seen, key: '8' })).toBe(false);
});
