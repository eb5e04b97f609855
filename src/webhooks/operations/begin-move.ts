// Begins a move of deliveries for a request whose change is already committed.
import { logFailure } from '../../runtime/failure-log.js';
import type { Engine } from '../base/engine.js';

/**
 * Runs `move`, which ends by itself after a second. The scans of lease/due-scan.ts in the workers continue it, so a failure is only logged:
 * the request has succeeded.
 */
export async function begin({ log }: Pick<Engine, 'log'>, move: () => Promise<unknown>): Promise<void> {
  try {
    await move();
  } catch (error) {
    logFailure(log, error, 'moving the deliveries of changed subscriptions failed; a worker moves them later', { level: 'warn' });
  }
}
