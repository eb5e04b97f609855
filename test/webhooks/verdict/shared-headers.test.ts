import { describe, expect, it } from 'vitest';
import { SharedHeaders } from '../../../src/webhooks/verdict/shared-headers.js';

type Headers = Record<string, string>;

/** Returns what is sent for each row, and what Postgres rebuilds: the shared headers, overwritten by the row's own. */
function share(rows: (readonly [string, Headers | null])[]) {
  const shared = new SharedHeaders();
  const told = rows.map(([key, headers]) => shared.share(key, headers));
  const texts =
    shared.sets
      .toParameter()
      .toString('latin1')
      .match(/\{[^}]*\}/g) ?? [];
  const sets = texts.map((text) => JSON.parse(text) as Headers);
  return { told, together: told.map(({ set, own }) => (set === null ? own : { ...sets[set - 1], ...own })) };
}

describe('SharedHeaders', () => {
  it('tells the first of a kind once and of the others what differs, and loses nothing', () => {
    const rows = [
      ['a', { Topic: 'user/created', Id: '1' }],
      ['b', { Topic: 'user/deleted', Id: '2' }],
      ['a', { Topic: 'user/created', Id: '3', More: 'x' }],
      ['c', null],
      ['a', { Topic: 'user/created', Id: '1' }],
      ['d', { Topic: 'user/deleted', Id: '4' }],
      ['d', { Id: '4' } as Headers],
      ['e', { Id: '4' } as Headers],
    ] as const;
    const { told, together } = share([...rows]);
    expect(told).toEqual([
      { set: 1, own: {} },
      { set: 2, own: {} },
      { set: 1, own: { Id: '3', More: 'x' } },
      { set: null, own: null },
      { set: 1, own: {} },
      // The first row shares another subscription's headers, since half of them are equal; the second can't, since it lacks one of them.
      { set: 2, own: { Id: '4' } },
      { set: null, own: { Id: '4' } },
      { set: 3, own: {} },
    ]);
    expect(together).toEqual(rows.map(([, headers]) => headers));
  });

  it('tells one whole that lacks what the first had, whatever it is called', () => {
    const rows = [
      ['a', { constructor: '1', Date: 'now' }],
      ['a', { Date: 'later' } as Headers],
    ] as const;
    expect(share([...rows]).told).toEqual([
      { set: 1, own: {} },
      { set: null, own: { Date: 'later' } },
    ]);
    const hostile = ['x', 'z'].map((value) => ['a', JSON.parse(`{"__proto__":"${value}","toString":"y"}`)] as const);
    expect(share(hostile).told.map(({ own }) => JSON.stringify(own))).toEqual(['{}', '{"__proto__":"z"}']);
  });

  it('begins afresh when it is cleared', () => {
    const shared = new SharedHeaders();
    shared.share('a', { Id: '1' });
    shared.clear();
    expect(shared.share('a', { Id: '2' })).toEqual({ set: 1, own: {} });
    expect(shared.sets.toParameter().toString()).toContain('{"Id":"2"}');
    expect(shared.sets.toParameter().toString()).not.toContain('{"Id":"1"}');
  });
});
