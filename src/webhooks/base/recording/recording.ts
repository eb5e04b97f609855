// How a subscription wants its bodies recorded + an attempt as it was -> the attempt as it is recorded. What is sent never passes here.

import type { Attempt, BodyOmitted, ContentType, Recording } from '../model.js';
import { escapeXml } from '../templates/rendering.mjs';
import { MASK, maskBody } from './mask-body.js';
import { type MaskPath, parseMaskPath } from './mask-path.js';

export const MAX_MASKED_PATHS = 50;
export const MAX_MASKED_PATH_LENGTH = 256;

type Recordable = Pick<Attempt, 'outcome' | 'stage' | 'message' | 'request' | 'response'>;

/** Never throws: the attempt was made, and has to be recorded. */
export type Recorder = <T extends Recordable>(attempt: T) => T;

const NOT_RECORDED = '[not recorded]';
/** More masked values than these aren't looked for elsewhere: the answer is left out instead. */
const MAX_VALUES = 2_000;

/** Null: all is recorded as it is. Paths that don't parse were refused when they were saved. */
export function createRecorder(recording: Recording | undefined, contentType: ContentType): Recorder | null {
  if (!recording) return null;
  const paths = recording.maskedPaths.map(parseMaskPath).filter((path): path is MaskPath => Array.isArray(path));
  return (attempt) => {
    if (!recording.bodies) return { ...attempt, ...withoutBodies(attempt) };
    try {
      return { ...attempt, ...masked(attempt, contentType, paths) };
    } catch {
      return { ...attempt, ...withoutBodies(attempt, 'UNMASKABLE') };
    }
  };
}

function withoutBodies({ outcome, stage, message, request, response }: Recordable, omitted: BodyOmitted = 'SWITCHED_OFF'): Recordable {
  return {
    outcome,
    stage,
    message: withoutAnswer(stage, withoutQuote(stage, message)),
    request: request && leftOut(request, omitted),
    response: response && leftOut(response, omitted),
  };
}

const leftOut = <T extends { body: string | null }>(part: T, omitted: BodyOmitted): T => ({
  ...part,
  body: null,
  omitted,
  bytes: Buffer.byteLength(part.body ?? ''),
});

function masked({ outcome, stage, message, request, response }: Recordable, contentType: ContentType, paths: MaskPath[]): Recordable {
  const sent = request?.body == null ? null : maskBody(request.body, contentType, paths);
  const got = response?.body == null ? null : maskBody(response.body, formatOf(response), paths);
  const values = [...new Set([...(sent?.values ?? []), ...(got?.values ?? [])])];
  const hide = values.length > MAX_VALUES ? null : hider(values);
  const readable = got !== null && hide !== null;
  const told = withoutQuote(stage, message);
  return {
    outcome,
    stage,
    // What the error template wrote may hold anything of an answer that nothing could be found in.
    message: response && !readable ? withoutAnswer(stage, told) : told && (hide ? hide(told) : told),
    request: request && (sent ? changed(request, sent.text) : leftOut(request, 'UNMASKABLE')),
    response: response && {
      ...(readable ? changed(response, hide(got.text)) : leftOut(response, 'UNMASKABLE')),
      // A receiver may repeat what it was sent.
      headers: hide ? Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, hide(value)])) : {},
    },
  };
}

const changed = <T extends { body: string | null }>(part: T, text: string): T =>
  text === part.body ? part : { ...part, body: text, bytes: Buffer.byteLength(part.body ?? '') };

function formatOf({ headers, body }: NonNullable<Attempt['response']>): ContentType {
  return /\bxml\b/i.test(headers['content-type'] ?? '') || body?.trimStart().startsWith('<') ? 'XML' : 'JSON';
}

/** Takes masked values out of a text, in the writings that bodies know. Of short ones only whole words: `42` is no part of `420`. */
function hider(values: string[]): (text: string) => string {
  const writings = new Set(
    values
      .flatMap((value) => [value, JSON.stringify(value).slice(1, -1), escapeXml(value)])
      .filter((value) => value.length >= 2)
      .sort((a, b) => b.length - a.length),
  );
  const long = [...writings].filter((value) => value.length >= 8);
  const short = [...writings].filter((value) => value.length < 8).map((value) => value.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  // All at once: a walk for each of thousands would hold up everybody.
  const words = short.length > 0 ? new RegExp(`(?<![\\p{L}\\p{N}])(?:${short.join('|')})(?![\\p{L}\\p{N}])`, 'gu') : null;
  return (text) => {
    const rest = long.reduce((left, value) => left.replaceAll(value, MASK), text);
    return words ? rest.replace(words, () => MASK) : rest;
  };
}

/** Where a stage says what it can't use, it quotes it; a frame with a caret quotes the template alone. */
function withoutQuote(stage: Recordable['stage'], message: string | null): string | null {
  if (message === null || (stage !== 'VALIDATION' && stage !== 'TEMPLATE') || /\n\d+ \| /.test(message)) return message;
  const at = message.indexOf('"');
  return at < 0 ? message : `${message.slice(0, at)}${NOT_RECORDED}`;
}

function withoutAnswer(stage: Recordable['stage'], message: string | null): string | null {
  if (stage === 'ERROR_TEMPLATE') return 'The error template found an error in the answer; what it wrote is not recorded.';
  // The status is our sentence; the rest is the error template's.
  if (stage === 'STATUS') return message && (/^[^.]*\./.exec(message)?.[0] ?? message);
  return message;
}
