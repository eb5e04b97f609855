// @ts-check
// What both sides of the pipe to a render process know: the limits of a template, and the shape of a job and its results.
// JavaScript, like all that a render process runs: the same file is executed from `src` and from `dist`, with no compiler in between.

/** Characters of a template's source. */
export const MAX_TEMPLATE_LENGTH = 65_536;
/** Characters of what a template renders. */
export const MAX_RENDERED_LENGTH = 2_000_000;
/** Characters of the JSON that a template reads. */
export const MAX_DATA_LENGTH = 2_000_000;
/** Computing time of one rendering: of the processor, not of the wall, so that a busy or paused machine charges nobody. */
export const RENDER_LIMIT_MS = 40;
/** What doesn't stop by itself, as in the middle of a filter, is ended with its process after so much of it. */
export const KILL_AFTER_MS = 50;
/** Computing time of parsing one source, which a process does once; its length bounds it, and this what its length doesn't. */
export const PARSE_LIMIT_MS = 300;
/** Characters and list items that a rendering may create. */
export const MEMORY_LIMIT = 5_000_000;
/** Of a render process. */
export const HEAP_MB = 192;

/**
 * How `{{ x }}` is written: as the inside of a JSON string, as XML text, or as it is.
 * @typedef {'json' | 'xml' | 'none'} Escape
 */

/**
 * `syntax`: found at parsing; `limit`: too long, too slow, too big; `render`: this data made it fail; `busy`: it never came to its turn.
 * @typedef {'syntax' | 'limit' | 'render' | 'busy'} TemplateFault
 */

/**
 * `parse`, `paths`: parsed only; `text`: rendered; `json`: and what it renders is parsed; `gate`: unless it renders `true`, the job ends here.
 * @typedef {{ source: string, style: Escape, ask: 'parse' | 'paths' | 'text' | 'json' | 'gate' }} Step
 */

/**
 * `data`: JSON of what the templates read; `reply`: an answer, read by an error template, with the JSON of the `event` where it reads that.
 * @typedef {{ data: string } | { reply: { status: number, headers: Record<string, string>, body: string }, event?: string }} RenderInput
 */

/** @typedef {{ id: number, input: RenderInput, steps: Step[], alone: boolean }} Job */

/**
 * `text`: of what was parsed only, JSON of the paths that it reads of `event`, or of `data` for `paths`; `invalid`: why it is not JSON.
 * @typedef {{ text: string, invalid: string | null, ms: number }} Rendered
 */

/**
 * Lines and columns count from 1.
 * @typedef {{ fault: TemplateFault, message: string, place: { line: number, column: number } | null, ms: number }} Faulted
 */

/** @typedef {Rendered | Faulted} StepResult */

/**
 * `at`: the step that an alone job begins now; `done`: all of it; `isSlow`: it took so long that others are to be spared the wait.
 * @typedef {{ id: number, results: StepResult[], at: number } | { id: number, results: StepResult[], done: true, isSlow: boolean }} Progress
 */

/**
 * @param {string} text
 * @returns {string}
 */
export function escapeXml(text) {
  return text.replace(XML_FORBIDDEN, '\uFFFD').replace(/[&<>"'\r]/g, (character) => /** @type {string} */ (XML_ENTITIES[character]));
}

// What XML 1.0 has no way to write, not even as a character reference: https://www.w3.org/TR/xml/#charsets
const XML_FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
/** @type {Record<string, string>} */
const XML_ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\r': '&#13;' };
