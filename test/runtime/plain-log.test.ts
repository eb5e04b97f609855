import { expect, it } from 'vitest';
import { createPlainLog } from '../../src/runtime/plain-log.js';

it('writes one JSON line an entry, with errors by their named fields', () => {
  const lines: string[] = [];
  const log = createPlainLog('info', { write: (line) => lines.push(line) });
  log.debug('too little');
  log
    .child({ requestId: 'r-1' })
    .warn({ error: Object.assign(new Error('no'), { code: '57014', client: { secret: 'hush' } }), deliveryId: '7' }, 'it failed');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 'warn',
      requestId: 'r-1',
      msg: 'it failed',
      deliveryId: '7',
      error: expect.objectContaining({ message: 'no', code: '57014' }),
    }),
  ]);
  expect(lines[0]).not.toContain('hush');
});
