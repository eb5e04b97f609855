// Parses the headers Signature-Input and Signature, which are dictionaries of structured fields
// (https://www.rfc-editor.org/rfc/rfc8941). The functions return `null` for an invalid dictionary or a duplicate member.

/** One member of the header Signature-Input: the list of signed components and the parameters of a signature. */
export interface InnerList {
  /**
   * Names of the covered components. A component with parameters keeps its quotes and parameters, as in `"date";sf`, so
   * that it matches no header and the signature is refused.
   */
  names: readonly string[];
  /** Parameter values as written, e.g. `"hmac-sha256"` or `1700000000`. */
  parameters: ReadonlyMap<string, string>;
  /** The whole member as written, which is part of the signed text. */
  text: string;
}

const KEY = '[a-z*][a-z0-9_.*-]*';
const STRING = '"(?:[^"\\\\\\x00-\\x1f\\x7f-\\uffff]|\\\\["\\\\])*"';
const BARE = `(?:${STRING}|-?\\d{1,15}(?:\\.\\d{1,3})?|:[A-Za-z0-9+/=]*:|\\?[01]|[A-Za-z*][A-Za-z0-9!#$%&'*+.^_\`|~:/-]*)`;
const PARAMETER = `;${KEY}(?:=${BARE})?`;
const ITEM = `${STRING}(?:${PARAMETER})*`;
const LIST = new RegExp(`^(${KEY})=(\\((${ITEM}(?: ${ITEM})*)?\\)((?:${PARAMETER})*))(?:[ \\t]*,[ \\t]*(?=\\S)|$)`);
const BYTES = new RegExp(`^(${KEY})=:([A-Za-z0-9+/]*={0,2}):(?:${PARAMETER})*(?:[ \\t]*,[ \\t]*(?=\\S)|$)`);

export function readInnerLists(text: string): Map<string, InnerList> | null {
  return readMembers(text, LIST, ([, , list = '', items = '', parameters = '']) => ({
    names: [...items.matchAll(new RegExp(ITEM, 'g'))].map(([item]) => item.replace(/^"([^"\\]*)"$/, '$1')),
    parameters: new Map(
      [...parameters.matchAll(new RegExp(`;(${KEY})(?:=(${BARE}))?`, 'g'))].map(([, key = '', value = '?1']) => [key, value]),
    ),
    text: list,
  }));
}

/** Parses the header Signature: maps the label of each signature to its base64 text. */
export function readBytes(text: string): Map<string, string> | null {
  return readMembers(text, BYTES, ([, , bytes = '']) => bytes);
}

function readMembers<T>(text: string, member: RegExp, read: (match: RegExpExecArray) => T): Map<string, T> | null {
  const members = new Map<string, T>();
  for (let rest = text.trim(); rest !== ''; ) {
    const match = member.exec(rest);
    const key = match?.[1];
    if (!match || key === undefined || members.has(key)) return null;
    members.set(key, read(match));
    rest = rest.slice(match[0].length);
  }
  return members;
}
