// Removes or masks the bodies of an attempt before it is recorded, as the subscription's settings require. The sent request is unaffected.
import { isXml, parseMediaType } from '../../../runtime/media-type.js';
import type { Attempt, BodyOmitted, ContentType, Recording } from '../model.js';
import { escapeXml } from '../templates/rendering.mjs';
import { createFinder, MAX_OPERATIONS, MIN_LENGTH } from './find-texts.js';
import { MASK, MAX_VALUES, maskBody } from './mask-body.js';
import { type MaskPath, parseMaskPath } from './mask-path.js';

type Recordable = Pick<Attempt, 'outcome' | 'stage' | 'message' | 'request' | 'response'>;

/**
 * Returns a copy of an attempt in which the bodies are removed or masked. Never throws, because an attempt that was made must be recorded.
 */
export type Recorder = <T extends Recordable>(attempt: T) => T;

const NOT_RECORDED = '[not recorded]';

/**
 * Makes the recorder of a subscription; `null` when attempts are recorded unchanged. Invalid paths were rejected at save and are skipped.
 */
export function createRecorder(recording: Recording | undefined, contentType: ContentType): Recorder | null {
  if (!recording) return null;
  const paths = recording.maskedPaths.map(parseMaskPath).filter((path): path is MaskPath => Array.isArray(path));
  if (recording.bodies && recording.maskedPaths.length === 0) return null;
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
  const received = response?.body == null ? null : maskBody(response.body, formatOf(response), paths);
  const values = new Set([...(sent?.values ?? []), ...(received?.values ?? [])]);
  // If the request can't be read, it is unknown which of its values the response repeats.
  const unknown = (request?.body != null && sent === null) || values.size > MAX_VALUES;
  const hidden = unknown
    ? null
    : hideIn({ message: withoutQuote(stage, message), body: received?.text ?? '', headers: response?.headers ?? {} }, values);
  const shownMessage = hidden ? hidden.message : withoutQuote(stage, message);
  return {
    outcome,
    stage,
    // The error template's message may quote the response, so it is omitted if the response could not be masked.
    message: response && !(received && hidden) ? withoutAnswer(stage, shownMessage) : shownMessage,
    request: request && (sent ? changed(request, sent.text) : leftOut(request, 'UNMASKABLE')),
    response: response && {
      ...(received && hidden ? changed(response, hidden.body) : leftOut(response, 'UNMASKABLE')),
      headers: hidden?.headers ?? {},
    },
  };
}

const changed = <T extends { body: string | null }>(part: T, text: string): T =>
  text === part.body ? part : { ...part, body: text, bytes: Buffer.byteLength(part.body ?? '') };

function formatOf({ headers, body }: NonNullable<Attempt['response']>): ContentType {
  const type = parseMediaType(headers['content-type']);
  return (type && isXml(type)) || body?.trimStart().startsWith('<') ? 'XML' : 'JSON';
}

interface ResponseTexts {
  message: string | null;
  body: string;
  headers: Record<string, string>;
}

/**
 * Masks the given values wherever a response repeats them, raw or escaped as JSON or XML. Returns `null` when the search would take too
 * long.
 */
function hideIn(texts: ResponseTexts, values: Set<string>): ResponseTexts | null {
  const writings = [...values].flatMap((value) => [value, JSON.stringify(value).slice(1, -1), escapeXml(value)]);
  const words = writings.filter(({ length }) => length >= 2 && length < MIN_LENGTH);
  const finder = createFinder(writings, words);
  const budget = { left: MAX_OPERATIONS };
  let isSpent = false;
  const hide = (text: string): string => {
    const rest = isSpent ? null : finder.replace(text, MASK, budget);
    isSpent ||= rest === null;
    return rest ?? '';
  };
  const hidden = {
    headers: Object.fromEntries(Object.entries(texts.headers).map(([name, value]) => [hide(name), hide(value)])),
    message: texts.message && hide(texts.message),
    body: hide(texts.body),
  };
  return isSpent ? null : hidden;
}

/**
 * Cuts off the rendered text, which messages of the stages VALIDATION and TEMPLATE quote. A message that shows a line of the template with
 * a caret quotes only the template, and is kept.
 */
function withoutQuote(stage: Recordable['stage'], message: string | null): string | null {
  if (message === null || (stage !== 'VALIDATION' && stage !== 'TEMPLATE') || /\n\d+ \| /.test(message)) return message;
  const at = message.indexOf('"');
  return at < 0 ? message : `${message.slice(0, at)}${NOT_RECORDED}`;
}

function withoutAnswer(stage: Recordable['stage'], message: string | null): string | null {
  if (stage === 'ERROR_TEMPLATE') return 'The error template reported an error in the response; its text is not recorded.';
  // The first sentence of the message comes from Hookgraph and names the status; the error template wrote the remaining text.
  if (stage === 'STATUS') return message && (/^[^.]*\./.exec(message)?.[0] ?? message);
  return message;
}
