// Builds the body of a delivery: runs the query, then the validation template, then the body template.
import { parseJson, stringifyJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import { HostFailed, type Place } from '../base/errors.js';
import type { DeliveryKind, Stage } from '../base/model.js';
import { keyValues } from '../base/query/key-variables.js';
import type { StageReport, Watch } from '../base/report.js';
import type { ReportStage } from '../base/stages.js';
import type { Faulted, Step, StepResult } from '../base/templates/rendering.mjs';
import { type Template, toTemplateError } from '../base/templates/template.js';
import { wholeEscapes } from '../base/templates/well-formed.mjs';
import { rowJson } from './build-event.js';
import { type Found, findData, findEvent, findsNothing, linkTo, type PayloadSources } from './find-data.js';
import type { PastRequest, Replayed } from './load-past.js';
import { notificationOf } from './notification.js';
import { renderXml, renderXmlInTurns } from './render-xml.js';

/** The delivery, and the node that it is about. */
export interface PayloadSubject {
  id: string;
  kind: DeliveryKind;
  eventId: string | null;
  typename: string;
  nodeKey: string;
  /** Set for a delivery of a replay, and for an event that is rehearsed like one. */
  replayed?: Exclude<Replayed, { obstacle: unknown }>;
  /** The time that templates read as the time of the attempt. Default: now. */
  at?: Date;
}

export interface Body {
  text: string;
  contentType: 'application/json' | 'application/xml';
  /** The headers with which this body was sent before; absent for a new body. */
  sentHeaders?: Record<string, string>;
}

interface Durations {
  queryMs: number;
  renderMs: number;
}

/**
 * The result of building a payload. `isLate`: a query exceeded a time limit, and may succeed later.
 * `READY`: `event` is the event's JSON for the error template, `data` the JSON of the payload's data if
 * a later replay can't read it in the body, else `null`. `SKIPPED`: the validation template
 * rendered false. `HELD`: the node's data can't be used; `stage` and `message` say why.
 */
export type PayloadResult =
  | ({ outcome: 'READY'; body: Body; event: string | null; data: string | null } & Durations)
  | ({ outcome: 'SKIPPED' | 'HELD'; stage: Stage; message: string; isLate?: boolean } & Durations);

/**
 * Runs the query as the owner, then the validation template, then the body template. A definition without query and templates gets its
 * default body synchronously.
 * @param watch receives a report of each stage, for a test or preview. With it, the body template runs whatever the validation template
 * rendered, and `false` is only reported
 * @throws TemplateError `busy` when no render process was free in time; the delivery must be retried
 * @throws HostFailed when a resolver or the database of the host fails; a test or preview reports it as a failed query instead
 * @throws Error for an internal failure
 */
export function buildPayload(
  engine: Engine,
  compiled: Compiled,
  subject: PayloadSubject,
  sources: () => PayloadSources,
  watch?: Watch,
): PayloadResult | Promise<PayloadResult> {
  const { replayed } = subject;
  if (replayed?.mode === 'SENT_BYTES') return repeat(engine, compiled, subject, { past: replayed.past, sources });
  const isStored = replayed?.mode === 'STORED_PAYLOAD';
  const isPlain =
    !isStored && compiled.document === null && compiled.validation === null && compiled.template === null && compiled.event === null;
  return isPlain && !watch ? buildDefault(engine, compiled, subject) : buildOwn(engine, compiled, subject, sources, watch);
}

function buildDefault(engine: Engine, { contentType }: Compiled, { typename, nodeKey }: PayloadSubject): PayloadResult {
  const started = performance.now();
  const text = withoutTemplate(contentType, { data: linkTo(engine, engine.host.toGlobalId(typename, nodeKey)) });
  const body = { text, contentType: mediaTypeOf(contentType) };
  return { outcome: 'READY', body, event: null, data: null, queryMs: 0, renderMs: performance.now() - started };
}

/** Reuses the body of an earlier request. Runs neither the query nor a template; builds the event if the error template reads it. */
async function repeat(
  engine: Engine,
  compiled: Compiled,
  { nodeKey }: PayloadSubject,
  { past, sources }: { past: PastRequest; sources: () => PayloadSources },
): Promise<PayloadResult> {
  const started = performance.now();
  const event = compiled.errorTemplate && compiled.event ? await findEvent(engine, compiled, nodeKey, sources()) : null;
  const durations = { queryMs: performance.now() - started, renderMs: 0 };
  if (event !== null && typeof event !== 'string')
    return { outcome: 'HELD', stage: 'QUERY', message: event.refused, isLate: true, ...durations };
  const { headers: sentHeaders, contentType, data } = past;
  return { outcome: 'READY', body: { text: past.body as string, contentType, sentHeaders }, event, data, ...durations };
}

const UNREADABLE = 'Related rows of the node changed, and the query found no node that its owner may read.';

/** Whether the notification would only report changes of rows that are related to a node which the owner can't read. */
function isUnreadable({ related, document }: Compiled, found: Found, sources: () => PayloadSources): boolean {
  if (related.size === 0 || document === null || 'refused' in found || !findsNothing(document, found.data)) return false;
  const changed = sources().event?.changed ?? [];
  return changed.length > 0 && changed.every((field) => related.has(field));
}

const mediaTypeOf = (contentType: Compiled['contentType']): Body['contentType'] =>
  contentType === 'XML' ? 'application/xml' : 'application/json';

async function buildOwn(
  engine: Engine,
  compiled: Compiled,
  subject: PayloadSubject,
  sources: () => PayloadSources,
  watch?: Watch,
): Promise<PayloadResult> {
  const started = performance.now();
  const { about, variables } = variablesOf(engine, compiled, subject);
  const stored = subject.replayed?.mode === 'STORED_PAYLOAD' ? subject.replayed.past.data : null;
  const finding = findData(engine, compiled, subject.nodeKey, { variables, nodeId: about.nodeId, sources, stored });
  const found = await (watch ? finding.catch((error) => refusedByHost(engine, error)) : finding);
  const queryMs = performance.now() - started;
  const stop = (outcome: 'SKIPPED' | 'HELD', stage: Stage, message: string) => ({
    outcome,
    stage,
    message,
    queryMs,
    renderMs: performance.now() - started - queryMs,
  });
  watch?.(queryReport(compiled, variables, found, queryMs));
  if ('refused' in found) return { ...stop('HELD', 'QUERY', found.refused), isLate: found.isLate ?? false };
  if (isUnreadable(compiled, found, sources)) return stop('SKIPPED', 'QUERY', UNREADABLE);
  const { event } = found;
  const payload = { data: found.data };

  const isRendered = compiled.validation !== null || compiled.template !== null;
  const notification = isRendered || watch ? notificationOf(compiled, { ...subject, ...about }, subject.at ?? new Date()) : null;
  const scope = watch && { ...payload, notification, ...(event !== null && { event: parseJson(event) as unknown }) };
  const { data, kept } = jsonOf(compiled, found, { isRendered, isStored: stored !== null });
  const input = () => scopeJson(data, JSON.stringify(notification), event);
  const results = isRendered ? await renderAll(engine, compiled, input(), watch !== undefined) : [];
  let unfit: string | null = null;
  if (compiled.validation) {
    const validated = validate(compiled.validation, results.shift() as StepResult);
    const { outcome, message, text: output, place, ms } = validated;
    watch?.(report('VALIDATION', outcome === 'HELD' ? 'FAILED' : (outcome ?? 'OK'), { input: scope, output, message, place, ms }));
    if (outcome !== null && !watch) return stop(outcome, 'VALIDATION', message);
    if (outcome === 'HELD') unfit = message;
  }

  const at = performance.now();
  const body: Rendered = compiled.template
    ? bodyOf(compiled.template, results.shift() as StepResult)
    : { text: await defaultBody(compiled, found) };
  const error = 'error' in body ? body.error : null;
  const ms = body.ms ?? performance.now() - at;
  const place = 'error' in body ? body.place : null;
  watch?.(report('TEMPLATE', error === null ? 'OK' : 'FAILED', { input: scope, output: body.text ?? null, message: error, place, ms }));
  if (unfit !== null) return stop('HELD', 'VALIDATION', unfit);
  if ('error' in body) return stop('HELD', 'TEMPLATE', body.error);
  return {
    outcome: 'READY',
    body: { text: body.text, contentType: mediaTypeOf(compiled.contentType) },
    event,
    data: kept,
    queryMs,
    renderMs: performance.now() - started - queryMs,
  };
}

/**
 * Returns the JSON of the data for the templates. `kept`: the same JSON, if a later replay can't read the data in the body; else `null`.
 * Without a query, the data need not be kept, because it can be built again from the event.
 */
function jsonOf(
  { document, template, contentType }: Compiled,
  { data, row }: Exclude<Found, { refused: unknown }>,
  { isRendered, isStored }: { isRendered: boolean; isStored: boolean },
): { data: string; kept: string | null } {
  const isKept = (document !== null || isStored) && (template !== null || contentType === 'XML');
  const json = isRendered || isKept ? (row ? rowJson(row) : (stringifyJson(data) ?? 'null')) : '';
  return { data: json, kept: isKept ? json : null };
}

/** Returns the node's id and type, and the variables of the stored query: id, type, and the parts of the node's key. */
function variablesOf({ host }: Engine, { node, keys }: Compiled, { typename, nodeKey }: PayloadSubject) {
  const about = { nodeId: host.toGlobalId(typename, nodeKey), nodeType: typename };
  return { about, variables: node && keys.length > 0 ? { ...about, ...keyValues(node, keys, nodeKey) } : about };
}

/** Returns the failure that a test or preview reports if the query failed because of the host. Rethrows any other error. */
function refusedByHost({ log }: Engine, error: unknown): { refused: string; isLate?: boolean } {
  if (!(error instanceof HostFailed)) throw error;
  log.error({ err: error }, 'a test or preview failed, because a resolver or the database of this API failed');
  return { refused: error.shown };
}

function queryReport({ document }: Compiled, variables: object, found: Awaited<ReturnType<typeof findData>>, ms: number): StageReport {
  const isRefused = 'refused' in found;
  return report('QUERY', isRefused ? 'FAILED' : 'OK', {
    input: { query: document?.loc?.source.body ?? null, variables },
    output: isRefused ? null : { data: found.data },
    message: isRefused ? found.refused : null,
    place: isRefused ? found.place : null,
    ms,
  });
}

const scopeJson = (data: string, notification: string, event: string | null): string =>
  `{"data":${data},"notification":${notification}${event === null ? '' : `,"event":${event}`}}`;

/**
 * Builds the body of a delivery without a template. The JSON values of a node's row are copied as text, so that long numbers keep all
 * digits.
 */
function defaultBody({ contentType, owner }: Compiled, { data, row }: Exclude<Found, { refused: unknown }>): string | Promise<string> {
  if (contentType === 'XML') return renderXmlInTurns({ data: row ? (parseJson(rowJson(row)) as unknown) : data }, owner.tenant);
  return row ? `{"data":${rowJson(row)}}` : withoutTemplate(contentType, { data });
}

/**
 * Renders the validation template and the body template in one job of a render process. A test or preview (`isTrial`) uses two jobs, so
 * that the body template is reported even if the validation template fails.
 */
async function renderAll(engine: Engine, compiled: Compiled, data: string, isTrial: boolean): Promise<StepResult[]> {
  const { validation, template, contentType, owner, subscriptionId } = compiled;
  const steps: Step[] = [];
  if (validation) steps.push({ ...validation, ask: isTrial ? 'text' : 'gate' });
  if (template) steps.push({ ...template, ask: contentType === 'XML' ? 'xml' : 'json' });
  const payer = { tenant: owner.tenant, key: subscriptionId, isTrial };
  const input = { data };
  const rounds = isTrial ? steps.map((step) => [step]) : [steps];
  return (await Promise.all(rounds.map((round) => engine.renderer.render(payer, input, round)))).flat();
}

function report(
  stage: ReportStage,
  outcome: StageReport['outcome'],
  { ms, ...rest }: Pick<StageReport, 'input' | 'output' | 'message' | 'place'> & { ms: number },
): StageReport {
  return { stage, outcome, ...rest, durationMs: ms };
}

/** The rendered body, or an error with the invalid output as `text`. `ms`: the milliseconds that rendering took. */
type Rendered = { text: string; ms?: number } | { error: string; place?: Place | null; text?: string; ms?: number };

/** The result of the validation template; `outcome` is `null` when the body may be sent. */
type ValidationResult = { text: string | null; place?: Place | null; ms: number } & (
  | { outcome: null; message: null }
  | { outcome: 'SKIPPED' | 'HELD'; message: string }
);

function validate(template: Template, result: StepResult): ValidationResult {
  const { ms } = result;
  if ('fault' in result) return { outcome: 'HELD', text: null, ...describe(template, result), ms };
  const text = result.text.trim();
  if (text === 'true') return { outcome: null, text, message: null, ms };
  if (text === 'false') return { outcome: 'SKIPPED', text, message: 'The validation template rendered false.', ms };
  return { outcome: 'HELD', text, message: `The validation template rendered ${quote(text)}; it must render true or false.`, ms };
}

function bodyOf(template: Template, result: StepResult): Rendered {
  const { ms } = result;
  if ('fault' in result) {
    const { message: error, place } = describe(template, result);
    return { error, place, ms };
  }
  const { text, invalid } = result;
  if (invalid === null) return { text, ms };
  const format = template.style === 'xml' ? 'XML' : 'JSON';
  return { error: `The template rendered invalid ${format}: ${invalid}. The result begins with ${quote(text.trim())}.`, text, ms };
}

function withoutTemplate(contentType: Compiled['contentType'], payload: { data: unknown }): string {
  return contentType === 'XML' ? renderXml(payload) : wholeEscapes(stringifyJson(payload));
}

/**
 * Returns the message of a template error and, if its position is known, the line, the column and the source line with a caret;
 * and the position.
 * @throws TemplateError `busy` when no render process was free, so that nothing was rendered
 */
function describe({ source }: Template, faulted: Faulted): { message: string; place: Place | null } {
  const error = toTemplateError(faulted, source);
  if (error.fault === 'busy') throw error;
  const { message, place, frame } = error;
  if (!place) return { message, place };
  return { message: `${message.replace(/\.$/, '')} (line ${place.line}, column ${place.column})\n${frame}`, place };
}

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
