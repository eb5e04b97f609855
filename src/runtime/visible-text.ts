// Makes characters visible that could move a terminal's cursor, set its title, make a link, or hide and reorder text.

/**
 * Control characters except tab and line feed, lone surrogates, line and paragraph separators, and characters that no
 * terminal shows: bidirectional controls, zero-width characters, tags.
 */
const UNSEEN = String.raw`[\0-\x08\x0b-\x1f\x7f-\x9f\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]`;

/** A letter of a script that is written with the joiners U+200C and U+200D. */
const JOINING = `[${'Arabic Syriac Mongolian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Khmer Myanmar'
  .split(' ')
  .map((script) => String.raw`\p{Script=${script}}`)
  .join('')}]`;

/** Matches an unseen character that belongs to its neighbours: inside an emoji, or between letters of a script with joiners. */
const BELONGING = [
  String.raw`(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier})\ufe0f`,
  String.raw`(?<=[#*0-9])\ufe0f(?=\u20e3)`,
  String.raw`(?<=\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})`,
  String.raw`(?<=${JOINING})[\u200c\u200d](?=${JOINING})`,
].join('|');

const UNSEEN_ANYWHERE = new RegExp(UNSEEN, 'gu');
const UNSEEN_OR_BELONGING = new RegExp(`(${BELONGING})|${UNSEEN}`, 'gu');

/** Replaces each unseen character by U+FFFD, except where it belongs to an emoji or a script. */
export const visible = (text: string): string =>
  text.replace(UNSEEN_OR_BELONGING, (_, belonging: string | undefined) => belonging ?? '\u{fffd}');

/** Writes each unseen character of a JSON text as an escape, which doesn't change the value: valid JSON has them only inside strings. */
export const visibleJson = (json: string): string =>
  json.replace(UNSEEN_ANYWHERE, (found) =>
    [...Array(found.length).keys()].map((at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
