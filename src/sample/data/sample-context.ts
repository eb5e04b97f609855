// Defines what all functions that create sample rows need: transaction, organization, random choices and current time.
import type { Prisma } from '../../generated/nodes/client.js';
import type { Random } from './random.js';

export const DAY_MS = 86_400_000;

export interface SampleContext {
  tx: Prisma.TransactionClient;
  organizationId: string;
  /** The domain of the users' email addresses. */
  domain: string;
  random: Random;
  nowMs: number;
}

/**
 * Returns the timestamps of a row that was created `agoMs` milliseconds ago and changed `changedAgoMs` milliseconds
 * ago.
 */
export function timestampsAt({ nowMs }: SampleContext, agoMs: number, changedAgoMs = agoMs): { createdAt: Date; updatedAt: Date } {
  return { createdAt: new Date(nowMs - agoMs), updatedAt: new Date(nowMs - changedAgoMs) };
}
