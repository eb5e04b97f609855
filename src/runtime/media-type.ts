// Parses the value of a Content-Type header: https://mimesniff.spec.whatwg.org/#parsing-a-mime-type
import { MIMEType } from 'node:util';

export interface MediaType {
  /** Type and subtype in lower case, without parameters. */
  essence: string;
  /** The charset in lower case; `null` when there is none. */
  charset: string | null;
}

/** Returns the media type; `null` for a missing or malformed header. Of a list, which some clients send, returns the first item. */
export function parseMediaType(header: string | null | undefined): MediaType | null {
  if (!header) return null;
  return parse(header) ?? parse(header.split(',')[0] as string);
}

function parse(text: string): MediaType | null {
  try {
    const { essence, params } = new MIMEType(text);
    return { essence, charset: params.get('charset')?.toLowerCase() ?? null };
  } catch {
    return null;
  }
}

export const isJson = ({ essence }: MediaType): boolean => /^application\/([^/]+\+)?json$/.test(essence);

export const isXml = ({ essence }: MediaType): boolean => /\/xml$|\+xml$/.test(essence);

/** Whether a text in this charset can be read as UTF-8. A text without a charset can. */
export const isUtf8 = ({ charset }: MediaType): boolean => charset === null || /^(utf-?8|unicode-1-1-utf-8|us-ascii|ascii)$/.test(charset);
