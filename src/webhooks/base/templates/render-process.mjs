// @ts-check
// Jobs from the engine's process -> what their templates render. A process of its own, with an empty environment: templates that
// strangers wrote block it, fill its memory or end it, and nothing else. Keeps parsed templates, and nothing of what they read.
import { Worker } from 'node:worker_threads';
import { parseJson } from '../../../runtime/exact-json.mjs';
import { caselessHeaders } from './caseless-headers.mjs';
import { cpuMs, recentCpuMs, STALE_MS } from './cpu-clock.mjs';
import { eventPaths, faultOf, OUT_OF_TIME, parseTemplate, pathsOfData, renderNodes } from './liquid.mjs';
import { KILL_AFTER_MS, PARSE_LIMIT_MS } from './rendering.mjs';

/** @import { Template as Node } from 'liquidjs' */
/** @import { Job, Progress, RenderInput, Step, StepResult } from './rendering.mjs' */

/** Results are told at the latest so long after they are known. */
const TELL_AFTER_MS = 5;
/** Computing time of a job beyond which it is slow. */
const SLOW_MS = 15;
/** Code that has not run yet is ten times slower: a process that is so young tries again before it blames a template for it. */
const YOUNG_MS = 1000;
const YOUNG_TRIES = 4;
/** Tags and filters of the templates that stay parsed, one of which takes about 2 KB. */
const MOST_PARSED = 40_000;

// Signals to a terminal's or a unit's whole group are the engine's to obey: it ends us when it has ended its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.on('disconnect', () => process.exit());

/**
 * What the watch reads: is anything being done (and what it writes: whether it sleeps); since which moment of the processor's time,
 * how long that may take, and of which job it is.
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
  let toldMs = performance.now();
  for (const job of jobs) {
    known.push(run(job));
    const nowMs = performance.now();
    if (nowMs - toldMs < TELL_AFTER_MS) continue;
    tell(known);
    known = [];
    toldMs = nowMs;
  }
  if (known.length > 0) tell(known);
  Atomics.store(busy, 0, 0);
});

/** @param {Progress[]} progress */
function tell(progress) {
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
    // Whoever dies alone is known by the step that it began.
    if (alone && at > 0) tell([{ id, results, at }]);
    const result = take(step, data);
    results.push(result);
    startPhase(PARSE_LIMIT_MS);
    if (step.ask === 'gate' && !('text' in result && result.text.trim() === 'true')) break;
  }
  const outOfTime = results.some((result) => 'fault' in result && result.message === OUT_OF_TIME);
  // It has not computed for longer than it took.
  const tookLong = performance.now() - startMs > SLOW_MS && !isYoung(startCpu) && cpuMs() - startCpu > SLOW_MS + STALE_MS;
  return { id, results, done: true, isSlow: outOfTime || tookLong };
}

/**
 * Reading data and results is our work: a template is charged with its own.
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
function take({ source, style, ask }, data) {
  const started = performance.now();
  /** @type {'syntax' | 'render'} */
  let usual = 'syntax';
  try {
    startPhase(PARSE_LIMIT_MS);
    const nodes = parse(source, style);
    usual = 'render';
    const text = look(ask, nodes, source, style) ?? render(nodes, style, data);
    startPhase(PARSE_LIMIT_MS);
    return { text, invalid: ask === 'json' ? mistakeIn(text) : null, ms: performance.now() - started };
  } catch (error) {
    return { ...faultOf(error, usual), ms: performance.now() - started };
  }
}

/**
 * What is asked of a template beside its rendering.
 * @param {Step['ask']} ask
 * @param {Node[]} nodes
 * @param {string} source
 * @param {Step['style']} style
 * @returns {string | null}
 */
function look(ask, nodes, source, style) {
  if (ask === 'parse') return JSON.stringify(eventPaths(nodes, source, style));
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

/** @param {string} text */
function mistakeIn(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * @param {string} source
 * @param {Step['style']} style
 * @returns {Node[]}
 */
function parse(source, style) {
  const key = style + source;
  const known = parsed.get(key);
  if (known) {
    // The ones least lately used are dropped first.
    parsed.delete(key);
    parsed.set(key, known);
    return known.nodes;
  }
  const nodes = parseTemplate(source, style);
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
