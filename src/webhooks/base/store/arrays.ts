// Encodes column values as arrays in Postgres' binary format, which needs no escaping here and no parsing in the database.
// Postgres reads the format in array_recv() of src/backend/utils/adt/arrayfuncs.c, and describes binary formats at
// https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES.

/** Type OIDs, from pg_type.dat. */
const OID = { boolean: 16, bytea: 17, bigint: 20, integer: 23, text: 25, float8: 701, timestamptz: 1184 };
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const TWO_TO_32 = 2 ** 32;

/**
 * Bytes of an array's header: number of dimensions, whether any element is null, element type OID, number of elements, index of the first.
 */
const HEADER_BYTES = 20;
const FIRST_BYTES = 1024;
/**
 * Size in bytes up to which `clear` keeps the buffer for the next batch. It releases a larger buffer, which only a few large bodies need.
 */
const KEPT_BYTES = 1_048_576;

type Write<T> = (column: Column<T>, value: T) => void;

/** Collects the values of one array parameter. Encodes each value when it is pushed, so that the values need not be kept in memory. */
export class Column<T> {
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  at = HEADER_BYTES;
  private count = 0;
  private anyNull = 0;

  constructor(
    private readonly oid: number,
    private readonly write: Write<T>,
  ) {}

  push(value: T | null | undefined): void {
    this.count += 1;
    this.need(4);
    const lengthAt = this.at;
    this.at += 4;
    if (value == null) {
      this.anyNull = 1;
      this.bytes.writeInt32BE(-1, lengthAt);
      return;
    }
    this.write(this, value);
    this.bytes.writeInt32BE(this.at - lengthAt - 4, lengthAt);
  }

  /** Returns all pushed values as one parameter of a statement. The bytes are valid until the next `push` or `clear`. */
  toParameter(): Buffer {
    const { bytes, count } = this;
    bytes.writeInt32BE(count === 0 ? 0 : 1, 0);
    bytes.writeInt32BE(this.anyNull, 4);
    bytes.writeInt32BE(this.oid, 8);
    if (count === 0) return bytes.subarray(0, 12);
    bytes.writeInt32BE(count, 12);
    bytes.writeInt32BE(1, 16);
    return bytes.subarray(0, this.at);
  }

  clear(): void {
    this.at = HEADER_BYTES;
    this.count = 0;
    this.anyNull = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  need(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + count));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

const writeText: Write<string> = (column, value) => {
  column.need(3 * value.length);
  column.at += column.bytes.write(value, column.at, 'utf8');
};

export const texts = () => new Column(OID.text, writeText);

export const byteas = () =>
  new Column<Buffer>(OID.bytea, (column, value) => {
    column.need(value.length);
    column.at += value.copy(column.bytes, column.at);
  });

export const booleans = () =>
  new Column<boolean>(OID.boolean, (column, value) => {
    column.need(1);
    column.bytes[column.at++] = value ? 1 : 0;
  });

export const integers = () =>
  new Column<number>(OID.integer, (column, value) => {
    column.need(4);
    column.at = column.bytes.writeInt32BE(value, column.at);
  });

/** The values are decimal integers as text, as the driver `pg` returns a bigint. */
export const bigints = () =>
  new Column<string>(OID.bigint, (column, value) => {
    column.need(8);
    column.at = column.bytes.writeBigInt64BE(BigInt(value), column.at);
  });

export const floats = () =>
  new Column<number>(OID.float8, (column, value) => {
    column.need(8);
    column.at = column.bytes.writeDoubleBE(value, column.at);
  });

/** Timestamps are written with milliseconds, the precision of `Date`. */
export const timestamps = () =>
  new Column<Date>(OID.timestamptz, (column, value) => {
    column.need(8);
    const us = (value.getTime() - POSTGRES_EPOCH_MS) * 1000;
    column.bytes.writeInt32BE(Math.floor(us / TWO_TO_32), column.at);
    column.at = column.bytes.writeUInt32BE(((us % TWO_TO_32) + TWO_TO_32) % TWO_TO_32, column.at + 4);
  });
