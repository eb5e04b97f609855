// Compares two bodies: JSON value by value, other texts line by line.
import { ExactNumber, parseJson, stringifyJson } from '../../../runtime/exact-json.mjs';

export interface BodyChange {
  /** Where the bodies differ: a path such as `$.data.node.name`, or `line 3`. */
  path: string;
  /** The JSON of the value, or the lines; `null` when this body has no value there. */
  before: string | null;
  after: string | null;
}

/** Maximum number of changes to list for two bodies. */
const MAX_CHANGES = 50;
/** Maximum length of a shown value in characters. */
const MAX_SHOWN = 1_000;
/** Objects and lists that are nested deeper are compared as a whole. */
const MAX_DEPTH = 100;

/** Returns the first MAX_CHANGES differences; none when the bodies have the same values, whatever their white space. */
export function changesOf(before: string, after: string): BodyChange[] {
  if (before === after) return [];
  const values = [before, after].map(parsed);
  const [one, other] = values;
  if (!one || !other) return [changedLines(before, after)];
  const changes: BodyChange[] = [];
  compare(one.value, other.value, '$', 0, changes);
  return changes;
}

function parsed(text: string): { value: unknown } | null {
  try {
    return { value: parseJson(text) as unknown };
  } catch {
    return null;
  }
}

function compare(before: unknown, after: unknown, path: string, depth: number, changes: BodyChange[]): void {
  if (changes.length >= MAX_CHANGES) return;
  if (depth < MAX_DEPTH && isList(before) && isList(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++)
      compareMember(
        at in before ? { value: before[at] } : null,
        at in after ? { value: after[at] } : null,
        `${path}[${at}]`,
        depth,
        changes,
      );
    return;
  }
  if (depth < MAX_DEPTH && isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const step = /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
      const member = (parent: Record<string, unknown>) => (Object.hasOwn(parent, name) ? { value: parent[name] } : null);
      compareMember(member(before), member(after), `${path}${step}`, depth, changes);
    }
    return;
  }
  const [one, other] = [stringifyJson(before) ?? 'null', stringifyJson(after) ?? 'null'];
  if (one !== other) changes.push({ path, before: shown(one), after: shown(other) });
}

type Member = { value: unknown } | null;

function compareMember(before: Member, after: Member, path: string, depth: number, changes: BodyChange[]): void {
  const text = (member: Member) => member && shown(stringifyJson(member.value) ?? 'null');
  if (before && after) compare(before.value, after.value, path, depth + 1, changes);
  else if (changes.length < MAX_CHANGES) changes.push({ path, before: text(before), after: text(after) });
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);

/** Returns the lines between the common beginning and the common end of two texts. */
function changedLines(before: string, after: string): BodyChange {
  const [one, other] = [before.split('\n'), after.split('\n')];
  let from = 0;
  while (from < one.length && from < other.length && one[from] === other[from]) from++;
  let [oneEnd, otherEnd] = [one.length, other.length];
  while (oneEnd > from && otherEnd > from && one[oneEnd - 1] === other[otherEnd - 1]) {
    oneEnd--;
    otherEnd--;
  }
  const lines = (text: string[], end: number) => (from < end ? shown(text.slice(from, end).join('\n')) : null);
  return { path: `line ${from + 1}`, before: lines(one, oneEnd), after: lines(other, otherEnd) };
}

const shown = (text: string): string => (text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`);
