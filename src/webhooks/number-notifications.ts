// Numbers the notifications that this worker is about to send. One statement numbers many of them.
import type { Pool } from 'pg';
import { numberDeliveries, type Unnumbered } from './base/store/sequences.js';
import type { Sequence } from './destinations/kind.js';

interface Waiting extends Unnumbered {
  resolve(sequence: Sequence): void;
  reject(error: unknown): void;
}

/** Returns a function that numbers a delivery and resolves after the commit. Deliveries that arrive together share a statement. */
export function createNumbers(pool: Pool): (deliveryId: string, subscriptionId: string) => Promise<Sequence> {
  let waiting: Waiting[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const numbers = await numberDeliveries(pool, batch);
        for (const { deliveryId, resolve } of batch) {
          const number = numbers.get(deliveryId) as bigint;
          resolve({ number: String(number), previous: String(number - 1n) });
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isRunning = false;
  }

  return (deliveryId, subscriptionId) =>
    new Promise((resolve, reject) => {
      waiting.push({ deliveryId, subscriptionId, resolve, reject });
      if (!isRunning) void run();
    });
}
