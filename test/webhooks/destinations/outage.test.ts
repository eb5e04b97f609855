import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NetworkEvidence } from '../../../src/webhooks/base/network/evidence.js';
import { EgressFailed } from '../../../src/webhooks/base/network/guard.js';
import { type Outage, pauseMs, watchOutages } from '../../../src/webhooks/destinations/outage.js';

let logged: { level: number; [field: string]: unknown }[];
let evidence: NetworkEvidence;
let outage: Outage;
beforeEach(() => {
  vi.useFakeTimers();
  logged = [];
  evidence = new NetworkEvidence();
  outage = watchOutages(pino({ level: 'info' }, { write: (line) => void logged.push(JSON.parse(line)) }), evidence);
});
afterEach(() => {
  outage.close();
  vi.useRealTimers();
});

const failure = { step: 'CONNECT', suspicion: 'LOCAL', host: 'a.example', code: 'EMFILE' } as const;
const putBack = (id: string) =>
  outage.postpone({ id, subscriptionId: `of ${id}` }, new EgressFailed('out of descriptors', undefined, failure));

it('pauses grow with the outage, within bounds', () => {
  expect([0, 1_000, 10_000, 40_000, 3_600_000].map(pauseMs)).toEqual([2_000, 2_000, 5_000, 20_000, 30_000]);
  putBack('1');
  vi.advanceTimersByTime(20_000);
  expect(putBack('1')).toBe(10_000);
});

it('warns once with cause, count and ids, and says when it is over', () => {
  for (let i = 0; i < 30; i++) putBack(String(i));
  expect(logged).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(logged).toMatchObject([{ level: 40, cause: 'out of descriptors', deliveries: 30 }]);
  expect([logged[0]?.deliveryIds, logged[0]?.subscriptionIds]).toMatchObject([{ length: 10 }, { length: 10 }]);
  // The outage is over only when a connection works and no other fails.
  vi.advanceTimersByTime(20_000);
  putBack('again');
  evidence.worked('CONNECT', 'b.example');
  vi.advanceTimersByTime(2_000);
  putBack('again');
  vi.advanceTimersByTime(5_000);
  expect(logged).toHaveLength(1);
  evidence.worked('CONNECT', 'b.example');
  vi.advanceTimersByTime(1_000);
  expect(logged[1]).toMatchObject({ level: 30, lastedMs: 23_000, deliveries: 32 });
  vi.advanceTimersByTime(60_000);
  expect(logged).toHaveLength(2);
});
