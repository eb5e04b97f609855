// Uses the audit to find rows of the history that contradict each other.
import type { Pool } from 'pg';
import { audit, describeFinding } from '../../src/webhooks/index.js';

/** Returns the audit's findings, each as a sentence. Deliveries that are still to come are no findings. */
export async function unbalanced(pool: Pool): Promise<string[]> {
  const { findings } = await audit(pool, { since: null, until: null, owner: null });
  return findings.map(describeFinding);
}
