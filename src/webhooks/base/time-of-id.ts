// Reads the time out of a record's id, as hookgraph.time_of() does in SQL.

/** The epoch of ids, 2020-01-01 UTC. An id consists of the milliseconds since then and, in its lowest 20 bits, a sequence number. */
const EPOCH_MS = 1_577_836_800_000;
const SEQUENCE = 2 ** 20;

/**
 * Returns the time at which an id was assigned, in milliseconds since the Unix epoch. `Number` may round the sequence bits of a long id,
 * which are not needed here.
 */
export const timeOfId = (id: string): number => Math.floor(Number(id) / SEQUENCE) + EPOCH_MS;
