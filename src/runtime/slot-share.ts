// Computes how many slots of a shared limit a party may take, so that a busy party leaves some for whoever comes.

/** The slots that exist beside the limit, as a share of it. */
const RESERVED = 1 / 5;

/** Returns the number of slots of all parties together: `limit`, and those that are reserved for parties which hold few. */
export const allSlots = (limit: number): number => limit + Math.ceil(limit * RESERVED);

/**
 * Returns how many more slots a party may take: what is left of `limit`. Of the reserved slots, it may take as long as it occupies at most
 * half of what is free or its own, and always a first one.
 * @param held the slots that the party occupies
 * @param inUse the slots that all parties occupy
 */
export function slotsFor(held: number, inUse: number, limit: number): number {
  const free = allSlots(limit) - inUse;
  if (free <= 0) return 0;
  return Math.max(limit - inUse, Math.floor((free + held) / 2) - held, held === 0 ? 1 : 0);
}
