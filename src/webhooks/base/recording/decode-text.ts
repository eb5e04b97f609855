// Decodes the escapes of URLs, forms, JSON, XML, mail and programming languages in a text, however mixed and nested, and remembers the
// source position of each byte.
import { ENTITIES } from './entities.js';

export interface Decoded {
  /** The decoded text in UTF-8, one character per byte. */
  text: string;
  /** Length of `text` in bytes, without an incomplete escape at the end, such as `%2`, that is left when the source was truncated there. */
  end: number;
  /** Byte `i` was decoded from the source's characters `from[i]` to `to[i]`. */
  from: Int32Array;
  to: Int32Array;
}

/** Matches a character that may begin an escape, end a line of base64, or be the zero byte of a UTF-16 character. */
const ESCAPE = /[%\\&\n\0]/;
/** Matches an escape or a line break of quoted-printable: https://www.rfc-editor.org/rfc/rfc2045#section-6.7 */
const QUOTED_PRINTABLE = /=(?:[0-9a-f]{2}|\r?\n)/i;
const EQUALS = 0x3d;
const LETTER_BIG_U = 0x55;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const AMPERSAND = 0x26;
const LETTER_U = 0x75;
const LETTER_X = 0x78;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Encoders break lines of base64 after 60, 64 or 76 characters. */
const BASE64_LINE = /^[\w+/-]{56}$/;

/** The longest XML escape is `&#x10FFFF;`; some encoders write eight digits. */
const MAX_ENTITY_LENGTH = 12;
const CUT_OFF = /(?:%(?:u?[0-9a-f]{0,3})?|\\(?:u\{?[0-9a-f]{0,7}|x[0-9a-f]?|[0-3][0-7]?)?|&#?[0-9a-z]{0,7})$/i;
const CUT_OFF_QUOTED = /=[0-9a-f]?$/i;

/**
 * Byte → flags for the escapes that it can end: 1 hexadecimal digit, 2 character after a backslash, 4 semicolon of an entity, 8 brace of
 * `\u{…}`, 16 line break.
 */
const ENDS = new Uint8Array(256);
const DIGITS = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') {
  ENDS[digit.charCodeAt(0)] = 1;
  DIGITS[digit.charCodeAt(0)] = Number.parseInt(digit, 16);
}
const AFTER_BACKSLASH = new Uint8Array(256);
// Shells, Markdown and regular expressions write a backslash before punctuation, which then stands for itself. Characters that occur in
// other escapes are left out, because the order in which escapes are decoded must not matter.
const PUNCTUATION = [...'"\'\\/!$()*+,-.:<>?@[]^_`|~ '].map((mark) => mark + mark);
for (const [letter, meaning] of [...PUNCTUATION, 'b\b', 'f\f', 'n\n', 'r\r', 't\t'] as Iterable<string>) {
  const byte = (letter as string).charCodeAt(0);
  ENDS[byte] = (ENDS[byte] as number) | 2;
  AFTER_BACKSLASH[byte] = (meaning as string).charCodeAt(0);
}
for (const [byte, flag] of [
  [0x3b, 4],
  [0x7d, 8],
  [LINE_FEED, 16],
] as const)
  ENDS[byte] = (ENDS[byte] as number) | flag;

/** Whether a text may be in quoted-printable. It is decoded separately, because `=` also stands before ordinary values, as in `id=12`. */
export const isQuotedPrintable = (text: string): boolean => text.includes('=') && QUOTED_PRINTABLE.test(text);

/**
 * Decodes all escapes in a text, and drops NUL characters, which UTF-16 puts beside ASCII. Decodes its own results again (`%252F` becomes
 * `/`), so that texts with the same meaning have the same result. Takes linear time, because each decoded escape makes the result shorter.
 * Returns `null` when the text contains no escape.
 */
export function decodeText(text: string, quotedPrintable = false): Decoded | null {
  if (!quotedPrintable && !ESCAPE.test(text)) return null;
  const decoder = new Decoder(Buffer.byteLength(text), quotedPrintable);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) decoder.addAscii(unit, at);
    else {
      const point = text.codePointAt(at) as number;
      const from = at;
      if (point > 0xffff) at += 1;
      decoder.put(point, from, at + 1);
    }
  }
  return decoder.result();
}

class Decoder {
  private readonly bytes: Buffer;
  private readonly from: Int32Array;
  private readonly to: Int32Array;
  /** 1 for each byte that was decoded from quoted-printable, so that it isn't decoded twice; `null` if that encoding is not decoded. */
  private readonly quoted: Uint8Array | null;
  private size = 0;
  private decoded = 0;

  /** @param size bytes of the source, which suffice because decoding never adds bytes */
  constructor(size: number, quotedPrintable: boolean) {
    this.bytes = Buffer.allocUnsafe(size);
    this.quoted = quotedPrintable ? new Uint8Array(size) : null;
    this.from = new Int32Array(size);
    this.to = new Int32Array(size);
  }

  addAscii(byte: number, at: number): void {
    this.putByte(byte, at, at + 1);
    if (byte === 0) this.decoded += 1;
    let ends = ENDS[byte] as number;
    // Each iteration removes one escape.
    while (ends !== 0 && this.reduce(ends)) {
      this.decoded += 1;
      ends = this.size === 0 ? 0 : (ENDS[this.bytes[this.size - 1] as number] as number);
    }
  }

  result(): Decoded | null {
    const text = this.bytes.toString('latin1', 0, this.size);
    const tail = text.slice(-MAX_ENTITY_LENGTH);
    const cut = (CUT_OFF.exec(tail) ?? (this.quoted && CUT_OFF_QUOTED.exec(tail)))?.[0].length ?? 0;
    return this.decoded === 0 && cut === 0 ? null : { text, end: text.length - cut, from: this.from, to: this.to };
  }

  /** Replaces the escape that ends with the last byte. Returns `false` when the last byte ends no escape. */
  private reduce(ends: number): boolean {
    const { bytes, size } = this;
    if (ends & 2 && bytes[size - 2] === BACKSLASH) {
      this.replace(2, AFTER_BACKSLASH[bytes[size - 1] as number] as number);
      return true;
    }
    if (ends & 1) {
      if (bytes[size - 3] === PERCENT) return this.replaceHex(3, 2);
      if (this.quoted && bytes[size - 3] === EQUALS && this.replaceQuoted()) return true;
      if (bytes[size - 4] === BACKSLASH && bytes[size - 3] === LETTER_X) return this.replaceHex(4, 2);
      if (bytes[size - 4] === BACKSLASH && this.replaceOctal()) return true;
      if (bytes[size - 10] === BACKSLASH && bytes[size - 9] === LETTER_BIG_U && this.replaceHex(10, 8)) return true;
      // JavaScript's `escape()` writes `%u20ac`.
      const begin = bytes[size - 6];
      return (begin === BACKSLASH || begin === PERCENT) && bytes[size - 5] === LETTER_U && this.replaceHex(6, 4);
    }
    if (ends & 8) return this.replaceBraced();
    if (ends & 16) return this.joinLines();
    return (ends & 4) !== 0 && this.replaceEntity();
  }

  /** Replaces `\u{1f511}`, as Ruby and JavaScript write it. */
  private replaceBraced(): boolean {
    const [braced, digits = ''] =
      /\\u\{([0-9a-f]{1,6})\}$/i.exec(this.bytes.toString('latin1', Math.max(0, this.size - 10), this.size)) ?? [];
    const point = Number.parseInt(digits, 16);
    if (braced === undefined || point > 0x10ffff) return false;
    this.replace(braced.length, point);
    return true;
  }

  /** Drops the line break after a line of base64, or after `=` in quoted-printable. */
  private joinLines(): boolean {
    const end = this.size - (this.bytes[this.size - 2] === CARRIAGE_RETURN ? 2 : 1);
    if (this.quoted && this.bytes[end - 1] === EQUALS && this.quoted[end - 1] === 0) {
      this.size = end - 1;
      return true;
    }
    if (end < 56 || !BASE64_LINE.test(this.bytes.toString('latin1', end - 56, end))) return false;
    this.size = end;
    return true;
  }

  private replaceHex(length: number, digits: number): boolean {
    let number = 0;
    for (let at = this.size - digits; at < this.size; at++) {
      const byte = this.bytes[at] as number;
      if (((ENDS[byte] as number) & 1) === 0) return false;
      number = number * 16 + (DIGITS[byte] as number);
    }
    if (number > 0x10ffff) return false;
    if (digits === 2) this.replaceByByte(length, number);
    else if (digits === 4 && number >= 0xdc00 && number < 0xe000 && this.joinSurrogates(number)) return true;
    else this.replace(length, number);
    return true;
  }

  /** Replaces `=C3` of quoted-printable, unless its `=` was itself decoded from `=3D`. */
  private replaceQuoted(): boolean {
    const quoted = this.quoted as Uint8Array;
    const { size } = this;
    if (quoted[size - 3] === 1 || !this.replaceHex(3, 2)) return false;
    if (this.size === size - 2) quoted[this.size - 1] = 1;
    return true;
  }

  /** Joins two surrogates, each with its own escape, to one character beyond U+FFFF. */
  private joinSurrogates(low: number): boolean {
    const before = this.size - 6 - 3;
    if (before < 0 || this.bytes[before] !== 0xed || (this.bytes[before + 1] as number) < 0xa0) return false;
    const high = 0xd000 | (((this.bytes[before + 1] as number) & 0x3f) << 6) | ((this.bytes[before + 2] as number) & 0x3f);
    if (high >= 0xdc00) return false;
    this.replace(9, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    return true;
  }

  /** Replaces `\303`, as C, PHP and git write a byte. */
  private replaceOctal(): boolean {
    const digits = this.bytes.toString('latin1', this.size - 3, this.size);
    if (!/^[0-3][0-7]{2}$/.test(digits)) return false;
    this.replaceByByte(4, Number.parseInt(digits, 8));
    return true;
  }

  private replaceEntity(): boolean {
    const { bytes, size } = this;
    const least = Math.max(0, size - MAX_ENTITY_LENGTH);
    let at = size - 2;
    while (at >= least && bytes[at] !== AMPERSAND) at--;
    if (at < least) return false;
    const name = bytes.toString('latin1', at + 1, size - 1);
    const [, hex, decimal] = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(name) ?? [];
    const point = ENTITIES[name] ?? Number.parseInt(hex ?? decimal ?? '', hex === undefined ? 10 : 16);
    if (!(point <= 0x10ffff)) return false;
    this.replace(size - at, point);
    return true;
  }

  private replace(length: number, point: number): void {
    const from = this.from[this.size - length] as number;
    const to = this.to[this.size - 1] as number;
    this.size -= length;
    this.put(point, from, to);
  }

  /** Replaces an escape by one byte, since percent-encoding writes each byte of a character separately. */
  private replaceByByte(length: number, byte: number): void {
    const from = this.from[this.size - length] as number;
    const to = this.to[this.size - 1] as number;
    this.size -= length;
    this.putByte(byte, from, to);
  }

  /** Appends a character as UTF-8; a lone surrogate is encoded like a character. */
  put(point: number, from: number, to: number): void {
    if (point < 0x80) {
      this.putByte(point, from, to);
      return;
    }
    if (point < 0x800) this.putByte(0xc0 | (point >> 6), from, to);
    else {
      if (point < 0x10000) this.putByte(0xe0 | (point >> 12), from, to);
      else {
        this.putByte(0xf0 | (point >> 18), from, to);
        this.putByte(0x80 | ((point >> 12) & 0x3f), from, to);
      }
      this.putByte(0x80 | ((point >> 6) & 0x3f), from, to);
    }
    this.putByte(0x80 | (point & 0x3f), from, to);
  }

  private putByte(byte: number, from: number, to: number): void {
    if (byte === 0) return;
    if (this.quoted) this.quoted[this.size] = 0;
    this.bytes[this.size] = byte;
    this.from[this.size] = from;
    this.to[this.size] = to;
    this.size += 1;
  }
}
