// Tests that a sender which could not be opened, for example because its SDK was missing, is opened again for the next message.
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { createGuard } from '../../../src/webhooks/base/network/address-guard.js';
import type { Destination } from '../../../src/webhooks/destinations/destination.js';
import type { DestinationKind } from '../../../src/webhooks/destinations/kind.js';
import { openSenders } from '../../../src/webhooks/destinations/open-senders.js';
import { DESTINATIONS } from '../../../src/webhooks/destinations/registry.js';

afterEach(() => void DESTINATIONS.pop());

it('opens a sender again after it failed to open, and closes what is open', async () => {
  let [tries, closed] = [0, 0];
  const sender: Destination<unknown> = {
    send: async () => ({ kind: 'REPLY', status: 200, headers: {}, body: '', sendMs: 1 }),
    close: async () => {
      closed += 1;
    },
  };
  const open = async () => {
    tries += 1;
    if (tries === 1) throw new Error('the SDK is missing');
    return sender;
  };
  // Later test files share this list.
  onTestFinished(() => void DESTINATIONS.pop());
  DESTINATIONS.push({ field: { name: 'failing' }, open } as unknown as DestinationKind);
  const senders = openSenders(createGuard({ allowedNetworks: [] }), 1000, 1);
  await expect(senders.of('failing')).rejects.toThrow('the SDK is missing');
  expect(await senders.of('failing')).toBe(sender);
  expect(senders.of('failing')).toBe(sender);
  await senders.close();
  expect(closed).toBe(1);
});
