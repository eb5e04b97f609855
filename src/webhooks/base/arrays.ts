// Values of one column for many rows -> an array in Postgres' binary format, which needs no escaping here and no parsing there.
// https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES; array_recv() in src/backend/utils/adt/arrayfuncs.c

/** Type OIDs: pg_type.dat */
const OID = { bigint: 20, integer: 23, text: 25, float8: 701, timestamptz: 1184, uuid: 2950, jsonb: 3802 };
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

type Write<T> = (target: Scratch, value: T) => void;

/** Grows, and is used again: encoding is synchronous. */
class Scratch {
  bytes = Buffer.allocUnsafeSlow(65_536);
  at = 0;

  need(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + count));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  int32(value: number): void {
    this.need(4);
    this.at = this.bytes.writeInt32BE(value, this.at);
  }
}

const scratch = new Scratch();
/** What grew for a few large bodies isn't kept. */
const KEPT_BYTES = 4_194_304;

function encode<T>(oid: number, values: readonly (T | null | undefined)[], write: Write<T>): Buffer {
  scratch.at = 0;
  scratch.int32(values.length === 0 ? 0 : 1);
  scratch.int32(values.some((value) => value == null) ? 1 : 0);
  scratch.int32(oid);
  if (values.length > 0) {
    scratch.int32(values.length);
    scratch.int32(1);
  }
  for (const value of values) {
    if (value == null) {
      scratch.int32(-1);
      continue;
    }
    const lengthAt = scratch.at;
    scratch.int32(0);
    write(scratch, value);
    scratch.bytes.writeInt32BE(scratch.at - lengthAt - 4, lengthAt);
  }
  const encoded = Buffer.from(scratch.bytes.subarray(0, scratch.at));
  if (scratch.bytes.length > KEPT_BYTES) scratch.bytes = Buffer.allocUnsafeSlow(65_536);
  return encoded;
}

const writeText: Write<string> = (target, value) => {
  target.need(3 * value.length);
  target.at += target.bytes.write(value, target.at, 'utf8');
};

export const textArray = (values: readonly (string | null | undefined)[]): Buffer => encode(OID.text, values, writeText);

/** JSON texts. */
export const jsonbArray = (values: readonly (string | null | undefined)[]): Buffer =>
  encode(OID.jsonb, values, (target, value: string) => {
    target.need(1);
    // The version of the format.
    target.bytes[target.at++] = 1;
    writeText(target, value);
  });

export const integerArray = (values: readonly (number | null | undefined)[]): Buffer =>
  encode(OID.integer, values, (target, value: number) => target.int32(value));

/** Whole numbers as text, as pg tells them. */
export const bigintArray = (values: readonly (string | null | undefined)[]): Buffer =>
  encode(OID.bigint, values, (target, value: string) => {
    target.need(8);
    target.at = target.bytes.writeBigInt64BE(BigInt(value), target.at);
  });

export const floatArray = (values: readonly (number | null | undefined)[]): Buffer =>
  encode(OID.float8, values, (target, value: number) => {
    target.need(8);
    target.at = target.bytes.writeDoubleBE(value, target.at);
  });

export const uuidArray = (values: readonly (string | null | undefined)[]): Buffer =>
  encode(OID.uuid, values, (target, value: string) => {
    target.need(16);
    target.at += target.bytes.write(value.replaceAll('-', ''), target.at, 'hex');
  });

/** To the millisecond. */
export const timestampArray = (values: readonly (Date | null | undefined)[]): Buffer =>
  encode(OID.timestamptz, values, (target, value: Date) => {
    target.need(8);
    target.at = target.bytes.writeBigInt64BE(BigInt(value.getTime() - POSTGRES_EPOCH_MS) * 1000n, target.at);
  });
