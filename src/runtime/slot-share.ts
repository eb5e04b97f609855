// Computes how many slots of a shared limit a party may take, so that a busy party leaves some slots for others.

/** The number of reserved slots, which exist in addition to the limit, as a share of the limit. */
const RESERVED = 1 / 5;

/** Returns the number of slots of all parties together: `limit`, and the slots that are reserved for parties with few slots. */
export const allSlots = (limit: number): number => limit + Math.ceil(limit * RESERVED);

/**
 * Returns how many more slots a party may take: the rest of `limit`; from the reserved slots, as many as leave it at most half of the free
 * slots and its own together. A party without a slot may always take a free one.
 * @param held the slots that the party occupies
 * @param inUse the slots that all parties occupy
 */
export function slotsFor(held: number, inUse: number, limit: number): number {
  const free = allSlots(limit) - inUse;
  if (free <= 0) return 0;
  return Math.max(limit - inUse, Math.floor((free + held) / 2) - held, held === 0 ? 1 : 0);
}
