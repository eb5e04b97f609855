import { describe, expect, it } from 'vitest';
import { shareHeaders } from '../../../src/webhooks/verdict/shared-headers.js';

const together = ({ stems, stemOf, own }: ReturnType<typeof shareHeaders>) =>
  own.map((rest, i) =>
    rest === null ? null : { ...(stemOf[i] === null ? {} : JSON.parse(stems[(stemOf[i] as number) - 1] as string)), ...rest },
  );

describe('shareHeaders', () => {
  it('tells once what the requests of one subscription have in common, and loses nothing', () => {
    const rows: Parameters<typeof shareHeaders>[0] = [
      { key: 'a', headers: { Topic: 'user/created', Id: '1' } },
      { key: 'b', headers: { Topic: 'user/deleted', Id: '2' } },
      { key: 'a', headers: { Topic: 'user/created', Id: '3', More: 'x' } },
      { key: 'c', headers: null },
      { key: 'a', headers: { Topic: 'user/created', Id: '1' } },
    ];
    const shared = shareHeaders(rows);
    expect(shared.stems).toEqual(['{"Topic":"user/created"}']);
    expect(shared.own.slice(0, 3)).toEqual([{ Id: '1' }, { Topic: 'user/deleted', Id: '2' }, { Id: '3', More: 'x' }]);
    expect(together(shared)).toEqual(rows.map(({ headers }) => headers));
  });

  it('takes a header that is missing or another for none in common, whatever it is called', () => {
    const rows = [
      { key: 'a', headers: { constructor: '1', Date: 'now' } },
      { key: 'a', headers: { Date: 'later' } as Record<string, string> },
    ];
    expect(shareHeaders(rows)).toEqual({ stems: [], stemOf: [null, null], own: rows.map(({ headers }) => headers) });
    const hostile = ['x', 'z'].map((value) => `{"__proto__":"${value}","toString":"y"}`);
    const shared = shareHeaders(hostile.map((text) => ({ key: 'a', headers: JSON.parse(text) as Record<string, string> })));
    expect(shared.stems).toEqual(['{"toString":"y"}']);
    expect(shared.own.map((own) => JSON.stringify(own))).toEqual(['{"__proto__":"x"}', '{"__proto__":"z"}']);
  });
});
