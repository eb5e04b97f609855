import { describe, expect, it } from 'vitest';
import { shareHeaders } from '../../../src/webhooks/verdict/shared-headers.js';

const together = ({ stems, stemOf, own }: ReturnType<typeof shareHeaders>) =>
  own.map((rest, i) =>
    rest === null ? null : { ...(stemOf[i] === null ? {} : JSON.parse(stems[(stemOf[i] as number) - 1] as string)), ...rest },
  );

describe('shareHeaders', () => {
  it('tells once what the requests of one subscription have in common, and loses nothing', () => {
    const rows: Parameters<typeof shareHeaders>[1] = [
      { Topic: 'user/created', Id: '1' },
      { Topic: 'user/deleted', Id: '2' },
      { Topic: 'user/created', Id: '3', More: 'x' },
      null,
      { Topic: 'user/created', Id: '1' },
    ];
    const shared = shareHeaders(['a', 'b', 'a', 'c', 'a'], rows);
    expect(shared.stems).toEqual(['{"Topic":"user/created"}']);
    expect(shared.own.slice(0, 3)).toEqual([{ Id: '1' }, { Topic: 'user/deleted', Id: '2' }, { Id: '3', More: 'x' }]);
    expect(together(shared)).toEqual(rows);
  });

  it('takes a header that is missing or another for none in common, whatever it is called', () => {
    const rows: Record<string, string>[] = [{ constructor: '1', Date: 'now' }, { Date: 'later' }];
    expect(shareHeaders(['a', 'a'], rows)).toEqual({ stems: [], stemOf: [null, null], own: rows });
    const hostile = ['x', 'z'].map((value) => `{"__proto__":"${value}","toString":"y"}`);
    const shared = shareHeaders(
      ['a', 'a'],
      hostile.map((text) => JSON.parse(text)),
    );
    expect(shared.stems).toEqual(['{"toString":"y"}']);
    expect(shared.own.map((own) => JSON.stringify(own))).toEqual(['{"__proto__":"x"}', '{"__proto__":"z"}']);
  });
});
