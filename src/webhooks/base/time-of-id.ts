// Reads the time out of a record's id, as hookgraph.time_of() does in SQL.

/** 2020-01-01 UTC: ids count milliseconds from it, above 20 bits of a sequence. */
const EPOCH_MS = 1_577_836_800_000;
const SEQUENCE = 2 ** 20;

/** Milliseconds since the Unix epoch. A double keeps the milliseconds of an id, though not all of its digits. */
export const timeOfId = (id: string): number => Math.floor(Number(id) / SEQUENCE) + EPOCH_MS;
