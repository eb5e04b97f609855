// Where sample rows are made, of which choices, and when.
import type { Prisma } from '../../generated/nodes/client.js';
import type { Random } from './random.js';

export const DAY_MS = 86_400_000;

export interface Place {
  tx: Prisma.TransactionClient;
  organizationId: string;
  /** Of its people's mail. */
  domain: string;
  random: Random;
  nowMs: number;
}

/** The times of a row that was made so long ago, and perhaps changed later. */
export function madeAt({ nowMs }: Place, agoMs: number, changedAgoMs = agoMs): { createdAt: Date; updatedAt: Date } {
  return { createdAt: new Date(nowMs - agoMs), updatedAt: new Date(nowMs - changedAgoMs) };
}
