// @ts-check
// Renders templates in a separate process with an empty environment, so that untrusted templates can block, exhaust or crash only this
// process. Caches parsed templates, but never the data they read.
import { Worker } from 'node:worker_threads';
import { parseJson } from '../../../runtime/exact-json.mjs';
import { caselessHeaders } from './caseless-headers.mjs';
import { cpuMs, recentCpuMs, STALE_MS } from './cpu-clock.mjs';
import { eventPaths, faultOf, listReads, OUT_OF_TIME, parseTemplate, pathsOfData, renderNodes } from './liquid.mjs';
import { KILL_AFTER_MS, PARSE_LIMIT_MS } from './rendering.mjs';
import { mistakeInJson, mistakeInXml, wholeCharacters } from './well-formed.mjs';

/** @import { Template as Node } from 'liquidjs' */
/** @import { Job, Progress, RenderInput, Step, StepResult } from './rendering.mjs' */

/** Milliseconds after the last message at which finished results are sent, even if the batch has more jobs. */
const SEND_AFTER_MS = 5;
/** CPU milliseconds beyond which a job counts as slow; the next jobs of its subscription then run alone in the slow process. */
const SLOW_MS = 15;
/**
 * CPU milliseconds for which a process is young. JavaScript runs about ten times slower until V8 has compiled it, so a young process
 * repeats a rendering that exceeds the time limit: it renders up to YOUNG_TRIES times in all.
 */
const YOUNG_MS = 1000;
const YOUNG_TRIES = 4;
/** Maximum size of the cache of parsed templates, in tags and filters; each takes about 2 KB. */
const MOST_PARSED = 40_000;

// Ignores signals to the whole process group. The engine receives them too, and ends this process after its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.on('disconnect', () => process.exit());

/**
 * Memory shared with the watch thread (render-watch.mjs), which kills this process when a phase, such as parsing, takes too long. busy[0]:
 * whether a job is running; busy[1]: whether the watch thread sleeps. phase: the CPU time at which the current phase started, the phase's
 * limit in milliseconds, and the id of the job.
 */
const busy = new Int32Array(new SharedArrayBuffer(8));
const phase = new Float64Array(new SharedArrayBuffer(24));
new Worker(new URL('./render-watch.mjs', import.meta.url), { workerData: { busy, phase }, execArgv: [] }).unref();

const bornCpu = cpuMs();
/** @type {Map<string, { nodes: Node[], weight: number }>} */
const parsed = new Map();
let parsedWeight = 0;

process.on('message', (/** @type {Job[]} */ jobs) => {
  Atomics.store(busy, 0, 1);
  if (Atomics.load(busy, 1) === 1) Atomics.notify(busy, 0);
  /** @type {Progress[]} */
  let known = [];
  let sentMs = performance.now();
  for (const job of jobs) {
    known.push(run(job));
    const nowMs = performance.now();
    if (nowMs - sentMs < SEND_AFTER_MS) continue;
    sendProgress(known);
    known = [];
    sentMs = nowMs;
  }
  if (known.length > 0) sendProgress(known);
  Atomics.store(busy, 0, 0);
});

/** @param {Progress[]} progress */
function sendProgress(progress) {
  process.send?.(progress);
}

/**
 * @param {Job} job
 * @returns {Progress}
 */
function run({ id, input, steps, alone }) {
  phase[2] = id;
  const startMs = performance.now();
  const startCpu = startPhase(PARSE_LIMIT_MS);
  /** @type {StepResult[]} */
  const results = [];
  const data = read(input);
  for (const [at, step] of steps.entries()) {
    // Reports the progress before each step. If the process then dies, the engine knows which step caused it.
    if (alone && at > 0) sendProgress([{ id, results, at }]);
    const result = runStep(step, data);
    results.push(result);
    startPhase(PARSE_LIMIT_MS);
    if (step.ask === 'gate' && !('text' in result && result.text.trim() === 'true')) break;
  }
  const outOfTime = results.some((result) => 'fault' in result && result.message === OUT_OF_TIME);
  // CPU time is measured only if wall-clock time exceeds the limit, since CPU time is never longer.
  const tookLong = performance.now() - startMs > SLOW_MS && !isYoung(startCpu) && cpuMs() - startCpu > SLOW_MS + STALE_MS;
  return { id, results, done: true, isSlow: outOfTime || tookLong };
}

/**
 * Starts a new phase of the current job, with its own time limit. Reading data and returning results are phases, too, so that their time
 * doesn't count for the template.
 * @param {number} limitMs
 */
function startPhase(limitMs) {
  const now = recentCpuMs();
  phase[1] = limitMs;
  phase[0] = now;
  return now;
}

/**
 * @param {RenderInput} input
 * @returns {object}
 */
function read(input) {
  if ('data' in input) return parseJson(input.data);
  const { status, headers, body } = input.reply;
  const reply = { status, headers: caselessHeaders(headers), body: parseOr(body) };
  return input.event === undefined ? reply : { ...reply, event: parseJson(input.event) };
}

/** @param {string} body */
function parseOr(body) {
  try {
    return parseJson(body);
  } catch {
    return body;
  }
}

/**
 * @param {Step} step
 * @param {object} data
 * @returns {StepResult}
 */
function runStep({ source, style, isStored = false, ask }, data) {
  const started = performance.now();
  /** @type {'syntax' | 'render'} */
  let fallback = 'syntax';
  try {
    startPhase(PARSE_LIMIT_MS);
    const nodes = parse(source, style, isStored);
    fallback = 'render';
    const rendered = pathsAsJson(ask, nodes, source, style) ?? render(nodes, style, data);
    startPhase(PARSE_LIMIT_MS);
    const text = ask === 'json' ? wholeCharacters(rendered) : rendered;
    const invalid = ask === 'json' ? mistakeInJson(text) : ask === 'xml' ? mistakeInXml(text) : null;
    return { text, invalid, ms: performance.now() - started };
  } catch (error) {
    return { ...faultOf(error, fallback), ms: performance.now() - started };
  }
}

/**
 * Returns the result of a step that only parses, as JSON; `null` for a step that renders.
 * @param {Step['ask']} ask
 * @param {Node[]} nodes
 * @param {string} source
 * @param {Step['style']} style
 * @returns {string | null}
 */
function pathsAsJson(ask, nodes, source, style) {
  if (ask === 'parse') return JSON.stringify(eventPaths(nodes, source, style));
  if (ask === 'reads') return JSON.stringify(listReads(nodes, source, style));
  return ask === 'paths' ? JSON.stringify(pathsOfData(nodes, style)) : null;
}

/**
 * @param {Node[]} nodes
 * @param {Step['style']} style
 * @param {object} data
 */
function render(nodes, style, data) {
  for (let triesLeft = YOUNG_TRIES; ; triesLeft--) {
    const start = startPhase(KILL_AFTER_MS);
    try {
      return renderNodes(nodes, style, data);
    } catch (error) {
      if (triesLeft <= 1 || !isYoung(start) || !String(error).includes(OUT_OF_TIME)) throw error;
    }
  }
}

/** @param {number} atCpu */
function isYoung(atCpu) {
  return atCpu - bornCpu < YOUNG_MS;
}

/**
 * @param {string} source
 * @param {Step['style']} style
 * @param {boolean} isStored
 * @returns {Node[]}
 */
function parse(source, style, isStored) {
  const key = `${isStored ? 'stored' : 'new'} ${style} ${source}`;
  const known = parsed.get(key);
  if (known) {
    // Moves the entry to the end, so that the least recently used template is evicted first.
    parsed.delete(key);
    parsed.set(key, known);
    return known.nodes;
  }
  const nodes = parseTemplate(source, style, isStored);
  const weight = 1 + source.split(/\{[{%]|[|:,.]/).length;
  parsed.set(key, { nodes, weight });
  parsedWeight += weight;
  for (const [oldest, { weight: freed }] of parsed) {
    if (parsedWeight <= MOST_PARSED) break;
    parsed.delete(oldest);
    parsedWeight -= freed;
  }
  return nodes;
}
