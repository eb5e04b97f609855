// Packs the requests and responses of attempts into compressed rows of `exchanges`, and reads them. Attempts of one batch resemble each
// other, so 32 attempts in one row take a tenth of the bytes of 32 rows.
import { once } from 'node:events';
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import type { Attempt, BodyOmitted, RecordedBody } from '../model.js';
import { booleans, byteas } from './arrays.js';
import { jsonInPieces } from './json-in-pieces.js';

/** The maximum number of attempts that share a row of `exchanges`. Reading one of them decompresses the whole row. */
const MAX_ENTRIES = 32;
/**
 * The number of characters after which a row takes no further attempt. A row that has more is compressed by another thread, because that
 * takes milliseconds.
 */
const MAX_CHARACTERS = 65_536;
/** Rows with more characters than this are compressed for speed instead of size. */
const LARGE = 262_144;
/** Characters of the JSON of long exchanges that this thread encodes at a time. */
const PIECE = 65_536;
/** The first byte of a row: the format of the bytes after it, which are a JSON array of `Entry` as raw deflate with DICTIONARY. */
const FORMAT = 1;
/** The preset dictionary of the compression, which resembles a typical attempt. It belongs to FORMAT, so it must never change. */
const DICTIONARY = Buffer.from(
  '[["http://127.0.0.1/","https://www.example.com/webhooks",{"Content-Type":"application/json","User-Agent":"Hookgraph","Accept-Encoding":' +
    '"identity","Authorization":"[redacted]","webhook-id":"","webhook-timestamp":"","webhook-signature":"v1,","X-Scope-Domain":"",' +
    '"X-Scope-Event-Id":"","X-Scope-Webhook-Id":"","X-Scope-Webhook-Type":"node","X-Scope-API-Version":"3","X-Scope-Topic-Version":"1.1",' +
    '"X-Scope-Webhook-Job-Id":"","X-Scope-Topic":"","X-Scope-Hmac-Sha256":"","X-Scope-Time":"2026-11-30T00:00:00.000Z"},' +
    '"{\\"data\\":{\\"id\\":\\"VXNlcjo",\\"url\\":\\"/api/v3/graphql/object/",null,{"content-type":"application/json; charset=utf-8",' +
    '"content-length":"2","connection":"keep-alive","keep-alive":"timeout=5","date":"Mon, 30 Nov 2026 00:00:00 GMT"},"ok",null],',
);

type Part = { headers: Record<string, string> } & RecordedBody;
/**
 * Headers, body, and the original size of a masked or omitted body with the reason, and the data from which a template made the body;
 * absent when there was no such part.
 */
type PackedPart = [headers: Record<string, string>, body: string | null, recording?: Recording];
type Recording = [bytes: number | null, omitted: RecordedBody['omitted'] | null, data?: string];
type Entry = [url: string, request: PackedPart, response?: PackedPart];

/** The request and the response of an attempt; `null`: there was none. */
export type Exchanged = Pick<Attempt, 'request' | 'response'>;

/** The place of an exchange: the number of its row within the batch, from 1, and its position in the row. */
export interface ExchangePlace {
  row: number;
  place: number;
}

interface OpenRow {
  number: number;
  /** As JSON; long ones become JSON in pieces, while they are compressed. */
  entries: (string | Entry)[];
  characters: number;
}

/** Collects the exchanges of a batch of attempts as rows of `exchanges`. */
export class ExchangeRows {
  readonly entries = byteas();
  readonly areErrors = booleans();
  /** The memory that the exchanges take: bytes of compressed rows plus characters of rows not compressed yet. */
  characters = 0;
  private count = 0;
  private readonly open = new Map<boolean, OpenRow>();
  private readonly closed = new Map<number, { entries: Buffer | null; isError: boolean }>();
  private readonly compressing = new Set<Promise<void>>();

  /** Adds the exchange of an attempt; returns `null` when it sent nothing. */
  add({ request, response }: Exchanged, isError: boolean): ExchangePlace | null {
    if (!request) return null;
    const entry: Entry = response ? [request.url, packed(request), packed(response)] : [request.url, packed(request)];
    const long = lengthOf(request) + (response ? lengthOf(response) : 0);
    const text = long > MAX_CHARACTERS ? entry : JSON.stringify(entry);
    const length = typeof text === 'string' ? text.length : long;
    let row = this.open.get(isError);
    if (!row) {
      this.count += 1;
      row = { number: this.count, entries: [], characters: 0 };
      this.open.set(isError, row);
    }
    row.entries.push(text);
    row.characters += length;
    this.characters += length;
    const place = { row: row.number, place: row.entries.length - 1 };
    if (row.entries.length === MAX_ENTRIES || row.characters > MAX_CHARACTERS) this.close(isError, row);
    return place;
  }

  /** Returns a promise that resolves when all rows are compressed; `undefined` when they are already. */
  compressed(): Promise<unknown> | undefined {
    this.closeAll();
    return this.compressing.size === 0 ? undefined : Promise.all(this.compressing);
  }

  /**
   * Returns the rows as parameters of a statement: `entries` and `areErrors`, by the number of the row. Await `compressed` before it, else
   * the rows that are being compressed are null.
   */
  toParameters(): { entries: Buffer; areErrors: Buffer } {
    this.closeAll();
    this.entries.clear();
    this.areErrors.clear();
    for (let number = 1; number <= this.count; number++) {
      const row = this.closed.get(number);
      this.entries.push(row?.entries);
      this.areErrors.push(row?.isError);
    }
    return { entries: this.entries.toParameter(), areErrors: this.areErrors.toParameter() };
  }

  clear(): void {
    this.open.clear();
    this.closed.clear();
    this.compressing.clear();
    this.entries.clear();
    this.areErrors.clear();
    this.characters = 0;
    this.count = 0;
  }

  private closeAll(): void {
    for (const [isError, row] of [...this.open]) this.close(isError, row);
  }

  private close(isError: boolean, { number, entries, characters }: OpenRow): void {
    this.open.delete(isError);
    const row: { entries: Buffer | null; isError: boolean } = { entries: null, isError };
    this.closed.set(number, row);
    const end = (bytes: Buffer) => {
      row.entries = bytes;
      this.characters += bytes.length - characters;
    };
    if (characters <= MAX_CHARACTERS) {
      end(pack(entries as string[], characters));
      return;
    }
    const compressing = packElsewhere(entries, characters).then((bytes) => {
      this.compressing.delete(compressing);
      end(bytes);
    });
    // The error is ignored here, because the caller of `compressed` gets it.
    compressing.catch(() => {});
    this.compressing.add(compressing);
  }
}

const lengthOf = ({ body, data }: Part): number => (body?.length ?? 0) + (data?.length ?? 0);

function packed({ headers, body, bytes = null, omitted = null, data = null }: Part): PackedPart {
  if (data !== null) return [headers, body, [bytes, omitted, data]];
  return bytes === null ? [headers, body] : [headers, body, [bytes, omitted]];
}

function pack(entries: string[], characters: number): Buffer {
  return formatted(deflateRawSync(arrayOf(entries), optionsFor(characters)));
}

/** As `pack`, in a thread of Node's pool, and with a piece of the JSON at a time in this thread. */
async function packElsewhere(entries: OpenRow['entries'], characters: number): Promise<Buffer> {
  const deflate = createDeflateRaw({ ...optionsFor(characters), chunkSize: PIECE });
  const chunks: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => void chunks.push(chunk));
  const ended = once(deflate, 'end');
  // A failure rejects `drain`, too; the caller gets the first one.
  ended.catch(() => {});
  for (const piece of jsonInPieces(entries, PIECE)) if (!deflate.write(piece)) await once(deflate, 'drain');
  deflate.end();
  await ended;
  return formatted(Buffer.concat(chunks));
}

const arrayOf = (entries: string[]): string => `[${entries.join(',')}]`;
const formatted = (deflated: Buffer): Buffer => Buffer.concat([Buffer.of(FORMAT), deflated]);
const optionsFor = (characters: number): ZlibOptions => ({
  level: characters > LARGE ? constants.Z_BEST_SPEED : 3,
  dictionary: DICTIONARY,
});

/** Returns the row with the exchanges at these places blanked, and `omitted` stored as the reason. */
export function blanked(row: Buffer, places: readonly number[], omitted: BodyOmitted): Buffer {
  const entries = entriesOf(row).map((entry, place) => (places.includes(place) ? blankOf(entry, omitted) : entry));
  const texts = entries.map((entry) => JSON.stringify(entry));
  return pack(
    texts,
    texts.reduce((sum, text) => sum + text.length, 0),
  );
}

function blankOf([, , response]: Entry, omitted: BodyOmitted): Entry {
  const blank: PackedPart = [{}, null, [0, omitted]];
  return response ? ['', blank, blank] : ['', blank];
}

/** Reads the exchanges of one row. @throws Error when the format is unknown, because a newer version wrote it */
export function unpack(row: Buffer): (Omit<Exchanged, 'response'> & { response: Part | null })[] {
  return entriesOf(row).map(([url, request, response]) => ({
    request: { url, ...unpacked(request) },
    response: response ? unpacked(response) : null,
  }));
}

function entriesOf(row: Buffer): Entry[] {
  if (row[0] !== FORMAT) throw new Error(`an exchange has the format ${row[0]}, which this version of Hookgraph can't read; upgrade it`);
  return JSON.parse(inflateRawSync(row.subarray(1), { dictionary: DICTIONARY }).toString());
}

const unpacked = ([headers, body, recording]: PackedPart): Part => ({
  headers,
  body,
  bytes: recording?.[0] ?? null,
  omitted: recording?.[1] ?? null,
  ...(recording?.[2] !== undefined && { data: recording[2] }),
});
