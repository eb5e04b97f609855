// Converts between the id of a record and its time, as hookgraph.time_of() and hookgraph.id_at() do in SQL.

/** The epoch of ids, 2020-01-01 UTC. An id consists of the milliseconds since then and, in its lowest 20 bits, a sequence number. */
const EPOCH_MS = 1_577_836_800_000;
const SEQUENCE = 2 ** 20;

/**
 * Returns the time at which an id was assigned, in milliseconds since the Unix epoch. `Number` may round the sequence bits of a long id,
 * which are not needed here.
 */
export const timeOfId = (id: string): number => Math.floor(Number(id) / SEQUENCE) + EPOCH_MS;

/** The years before and after which no record has an id. */
const [EARLIEST_MS, LATEST_MS] = [EPOCH_MS, Date.UTC(2200, 0)];

/** Returns the smallest id of a time; '0' for `null`. */
export const firstIdOf = (time: Date | null): string =>
  String((BigInt(Math.min(Math.max(time?.getTime() ?? 0, EARLIEST_MS), LATEST_MS)) - BigInt(EPOCH_MS)) << 20n);
