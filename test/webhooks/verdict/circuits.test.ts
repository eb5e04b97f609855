import { beforeEach, expect, it } from 'vitest';
import { CIRCUIT_FAILURES } from '../../../src/webhooks/base/pace.js';
import { Circuits } from '../../../src/webhooks/verdict/circuits.js';

let circuits: Circuits;
beforeEach(() => {
  circuits = new Circuits();
});
const claimed = (pace: 'PROBING' | 'SLOWED' | null = null, claimedAtMs = performance.now()) => ({ subscriptionId: 'a', claimedAtMs, pace });

it('opens at so many failures in a row; what was under way then is stopped, and its failures do not count', () => {
  const early = claimed();
  for (let i = 1; i < CIRCUIT_FAILURES; i++) expect(circuits.failed(early)).toEqual({ counted: true, opens: false });
  expect(circuits.isStopped(early)).toBe(false);
  expect(circuits.failed(early)).toEqual({ counted: true, opens: true });
  expect(circuits.isStopped(early)).toBe(true);
  expect(circuits.failed(early)).toEqual({ counted: false, opens: false });
  expect(circuits.isStopped({ ...early, subscriptionId: 'b' })).toBe(false);
});

it('begins a new count with a success, and with what is claimed later', () => {
  const early = claimed();
  for (let i = 1; i < CIRCUIT_FAILURES; i++) circuits.failed(early);
  circuits.delivered(early);
  expect(circuits.failed(early).opens).toBe(false);
  circuits.slowed(early);
  const late = claimed('SLOWED', performance.now() + 1);
  expect(circuits.isStopped(late)).toBe(false);
  for (let i = 1; i < CIRCUIT_FAILURES; i++) expect(circuits.failed(late)).toEqual({ counted: true, opens: false });
});

it('takes each failed probe for one, even one that was claimed before this process knew', () => {
  const probe = claimed('PROBING');
  circuits.slowed(probe);
  expect(circuits.isStopped(probe)).toBe(false);
  expect(circuits.failed(probe)).toEqual({ counted: true, opens: true });
});
