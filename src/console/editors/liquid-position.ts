// Finds what a person types at a position of a Liquid template: a tag, a filter or a path. Reads incomplete templates.

export type Position =
  | { kind: 'tag'; from: number }
  | { kind: 'filter'; from: number }
  /** `path`: the names before the one that is being typed, such as `['data', 'node']` in `data.node.na`. */
  | { kind: 'path'; path: string[]; from: number };

/** A tag in front of the position, such as `assign` with the text `name = data.node.name`. */
export interface Tag {
  name: string;
  text: string;
}

const NAMES = '(?:[A-Za-z_][\\w-]*(?:\\[[^\\]\\n]*\\])*\\.)*';
const TYPED = new RegExp(`(?:^|[^\\w.\\]"'-])(${NAMES})([A-Za-z_]?[\\w-]*)$`);

export function positionAt(source: string, at: number): Position | null {
  const open = openAt(source.slice(0, at));
  if (open === null || isInText(open.text)) return null;
  const { isTag, text } = open;
  const from = (typed: string) => at - typed.length;
  if (isTag) {
    const name = /^\s*([\w#]*)$/.exec(text)?.[1];
    if (name !== undefined) return { kind: 'tag', from: from(name) };
    if (/^\s*(assign\s+[\w-]*\s*|(for|tablerow)\s+[\w-]*(\s+i?n?)?|(capture|increment|decrement)\s+[\w-]*)$/.test(text)) return null;
  }
  const filter = /\|\s*(\w*)$/.exec(text)?.[1];
  if (filter !== undefined) return { kind: 'filter', from: from(filter) };
  const typed = TYPED.exec(text);
  return typed ? { kind: 'path', path: namesOf(typed[1] ?? ''), from: from(typed[2] ?? '') } : null;
}

/** Splits a path such as `data.groups[0].name` or `event["before"].` into its names. */
export function namesOf(path: string): string[] {
  return [...path.matchAll(/[A-Za-z_][\w-]*|\[\s*(?:"([^"]*)"|'([^']*)'|([^\]]*?))\s*\]/g)].map(
    ([all, double, single, bare]) => double ?? single ?? bare ?? all,
  );
}

/** Returns the tags before a position in their order. Includes tags inside of `{% liquid %}`, but not those in comments and raw text. */
export function tagsBefore(source: string, at: number): Tag[] {
  const tags: Tag[] = [];
  let skipsUntil: string | null = null;
  for (const [, text = ''] of source.slice(0, at).matchAll(/\{%-?([\s\S]*?)-?%\}/g)) {
    const lines = /^\s*liquid\b/.test(text) ? text.replace(/^\s*liquid/, '').split('\n') : [text];
    for (const line of lines) {
      const [, name = '', rest = ''] = /^\s*(\w+)([\s\S]*)$/.exec(line) ?? [];
      if (skipsUntil !== null) {
        if (name === skipsUntil) skipsUntil = null;
      } else if (['raw', 'comment', 'doc'].includes(name)) skipsUntil = `end${name}`;
      else if (name) tags.push({ name, text: rest.trim() });
    }
  }
  return tags;
}

/** Returns the text since the last `{{` or `{%` that is still open; in `{% liquid %}`, since the start of the line. */
function openAt(before: string): { isTag: boolean; text: string } | null {
  const start = Math.max(before.lastIndexOf('{{'), before.lastIndexOf('{%'));
  if (start < 0 || isRaw(before.slice(0, start))) return null;
  const isTag = before[start + 1] === '%';
  const text = before.slice(start + 2).replace(/^-/, '');
  if (text.includes(isTag ? '%}' : '}}')) return null;
  const lines = isTag && /^\s*liquid\b/.test(text) ? text.replace(/^\s*liquid/, '').split('\n') : [text];
  return { isTag, text: lines.at(-1) ?? '' };
}

function isRaw(before: string): boolean {
  return ['raw', 'comment', 'doc'].some(
    (name) => count(before, new RegExp(`\\{%-?\\s*${name}\\b`, 'g')) > count(before, new RegExp(`\\{%-?\\s*end${name}\\b`, 'g')),
  );
}

const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

/** Whether the end of the text is inside of quotes. */
const isInText = (text: string) => /["']/.test(text.replaceAll(/"[^"]*"|'[^']*'/g, ''));
