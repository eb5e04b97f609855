// @ts-check
// Declares what the engine and its render processes share: the limits of a template, and the messages between them. It is JavaScript, like
// all code of a render process, so that the same file runs from `src` and from `dist` without a compiler.

/** Maximum characters of a template's source. */
export const MAX_TEMPLATE_LENGTH = 65_536;
/** Maximum characters that a template may render. */
export const MAX_RENDERED_LENGTH = 2_000_000;
/** Maximum characters of the JSON that a template reads. */
export const MAX_DATA_LENGTH = 2_000_000;
/** Maximum CPU time of one rendering, in milliseconds. Waiting for a busy or paused machine doesn't count, because it uses no CPU time. */
export const RENDER_LIMIT_MS = 40;
/**
 * Milliseconds of CPU time after which the render process is killed, if the rendering doesn't stop at RENDER_LIMIT_MS, e.g. inside one
 * filter.
 */
export const KILL_AFTER_MS = 50;
/** Maximum CPU time for parsing one source, in milliseconds. A source within MAX_TEMPLATE_LENGTH can still be slow to parse. */
export const PARSE_LIMIT_MS = 300;
/** Maximum number of characters and list items that one rendering may create. */
export const MEMORY_LIMIT = 5_000_000;
/** Maximum heap of a render process, in megabytes. */
export const HEAP_MB = 192;

/**
 * How `{{ x }}` is escaped: as the inside of a JSON string, as XML text, or not at all.
 * @typedef {'json' | 'xml' | 'none'} Escape
 */

/**
 * Why a template failed. `syntax`: parsing failed. `limit`: too long, too slow or too large. `render`: rendering failed with this data.
 * `busy`: the job waited too long for the slow process and never ran.
 * @typedef {'syntax' | 'limit' | 'render' | 'busy'} TemplateFault
 */

/**
 * A template to process, and what to do with it (`ask`). `parse`: return the paths of `event` that it reads. `paths`: return the paths of
 * `data` that it reads. `reads`: return all paths that it reads, as Read[]. None of these renders. `text`: render. `json`, `xml`: render,
 * and check that the result is JSON or XML. `gate`: render, and end the job unless the result is `true`. `isStored`: the template was saved
 * before, so that syntax which is refused at save today is accepted.
 * @typedef {'parse' | 'paths' | 'reads' | 'text' | 'json' | 'xml' | 'gate'} Ask
 * @typedef {{ source: string, style: Escape, isStored?: boolean, ask: Ask }} Step
 */

/**
 * A path that a template reads, as it is written there (`text`), and what it stands for (`paths`): several paths if several tags set its
 * variable. Each is a list of names and list indexes from a variable of the input; `null` stands for a part that is known only at
 * rendering. `place`: where the template reads it first.
 * @typedef {{ text: string, paths: (string | number | null)[][], place: { line: number, column: number } }} Read
 */

/**
 * What the templates of a job read. `data`: JSON. `reply`: a receiver's response, for an error template; `event` is the event's JSON, if
 * that template reads `event`.
 * @typedef {{ data: string } | { reply: { status: number, headers: Record<string, string>, body: string }, event?: string }} RenderInput
 */

/**
 * Steps that a render process runs in this order on the same input. `alone`: the process has no other job meanwhile.
 * @typedef {{ id: number, input: RenderInput, steps: Step[], alone: boolean }} Job
 */

/**
 * The result of a step that succeeded. `text`: the rendered text; after `parse`, `paths` or `reads`, the found paths as JSON. `invalid`:
 * why the text is not the JSON or XML that it should be; `null` when it is, or was not checked.
 * @typedef {{ text: string, invalid: string | null, ms: number }} Rendered
 */

/**
 * Why a step failed. Lines and columns count from 1.
 * @typedef {{ fault: TemplateFault, message: string, place: { line: number, column: number } | null, ms: number }} Faulted
 */

/** @typedef {Rendered | Faulted} StepResult */

/**
 * A render process's report about a job. `at`: index of the step that starts now; reported only for a job that runs alone. `done`: the job
 * has ended. `isSlow`: it took so long that the next jobs of its subscription must run in the slow process.
 * @typedef {{ id: number, results: StepResult[], at: number }
 *   | { id: number, results: StepResult[], done: true, isSlow: boolean }} Progress
 */

/**
 * Escapes text for XML, and replaces characters that XML can't represent by U+FFFD.
 * @param {string} text
 * @returns {string}
 */
export function escapeXml(text) {
  return text.replace(XML_FORBIDDEN, '\uFFFD').replace(/[&<>"'\r]/g, (character) => /** @type {string} */ (XML_ENTITIES[character]));
}

// XML 1.0 can't represent these characters, not even as character references: https://www.w3.org/TR/xml/#charsets
const XML_FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
/** @type {Record<string, string>} */
const XML_ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\r': '&#13;' };
