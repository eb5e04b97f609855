// A delivery in hand -> the body to send, or why none is sent.
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { DeliveryKind, Stage } from '../base/model.js';
import type { ReportStage, StageReport, Watch } from '../base/report.js';
import type { Faulted, Step, StepResult } from '../base/templates/rendering.mjs';
import { type Template, toTemplateError } from '../base/templates/template.js';
import { notificationOf } from './notification.js';
import { renderXml } from './render-xml.js';
import { runQuery } from './run-query.js';

/** A delivery, and the node that it is about. */
export interface PayloadSubject {
  id: string;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
}

export interface Body {
  text: string;
  contentType: 'application/json' | 'application/xml';
}

/** `SKIPPED`: the validation template said false. `HELD`: this node's answer can't be used; told with its stage. */
export type PayloadResult =
  | { outcome: 'READY'; body: Body; queryMs: number; renderMs: number }
  | { outcome: 'SKIPPED' | 'HELD'; stage: Stage; message: string; queryMs: number; renderMs: number };

/**
 * Runs the query as the owner (in `context`), then the validation template, then the body's template; a definition with none of
 * them is answered at once.
 * @param watch who tries the definition: then the validation template is told of, and not obeyed
 * @throws TemplateError `busy` where others had all the turns: run it later; Error for a failure of ours
 */
export function buildPayload(
  engine: Engine,
  compiled: Compiled,
  subject: PayloadSubject,
  context: () => object,
  watch?: Watch,
): PayloadResult | Promise<PayloadResult> {
  const isPlain = compiled.document === null && compiled.validation === null && compiled.template === null;
  return isPlain && !watch ? buildDefault(engine, compiled, subject) : buildOwn(engine, compiled, subject, context, watch);
}

const defaultData = ({ settings }: Engine, nodeId: string) => ({ id: nodeId, url: `${settings.baseUrl}/api/v3/graphql/object/${nodeId}` });

function buildDefault(engine: Engine, { contentType }: Compiled, { typename, nodeKey }: PayloadSubject): PayloadResult {
  const started = performance.now();
  const { text } = withoutTemplate(contentType, { data: defaultData(engine, engine.host.toGlobalId(typename, nodeKey)) });
  const body = { text, contentType: mediaTypeOf(contentType) };
  return { outcome: 'READY', body, queryMs: 0, renderMs: performance.now() - started };
}

const mediaTypeOf = (contentType: Compiled['contentType']): Body['contentType'] =>
  contentType === 'XML' ? 'application/xml' : 'application/json';

async function buildOwn(
  engine: Engine,
  compiled: Compiled,
  subject: PayloadSubject,
  context: () => object,
  watch?: Watch,
): Promise<PayloadResult> {
  const started = performance.now();
  const nodeId = engine.host.toGlobalId(subject.typename, subject.nodeKey);
  const variables = { nodeId, nodeType: subject.typename };
  const answer = compiled.document
    ? await runQuery(engine, compiled.document, context(), variables)
    : { data: defaultData(engine, nodeId) };
  const queryMs = performance.now() - started;
  const stop = (outcome: 'SKIPPED' | 'HELD', stage: Stage, message: string): PayloadResult => ({
    outcome,
    stage,
    message,
    queryMs,
    renderMs: performance.now() - started - queryMs,
  });
  const refused = 'refused' in answer ? answer.refused : null;
  watch?.({
    stage: 'QUERY',
    outcome: refused === null ? 'OK' : 'FAILED',
    input: { query: compiled.document?.loc?.source.body ?? null, variables },
    output: 'refused' in answer ? null : { data: answer.data },
    message: refused,
    durationMs: queryMs,
  });
  if ('refused' in answer) return stop('HELD', 'QUERY', answer.refused);
  const payload = { data: answer.data };

  const about = { deliveryId: subject.id, kind: subject.kind, nodeId, nodeType: subject.typename };
  const isRendered = compiled.validation !== null || compiled.template !== null;
  const scope = isRendered || watch ? { ...payload, notification: notificationOf(compiled, about, new Date()) } : payload;
  const results = isRendered ? await renderAll(engine, compiled, scope, watch !== undefined) : [];
  if (compiled.validation) {
    const said = validate(compiled.validation, results.shift() as StepResult);
    const { outcome, message, text: output, ms } = said;
    watch?.(report('VALIDATION', outcome === 'HELD' ? 'FAILED' : (outcome ?? 'OK'), { input: scope, output, message, ms }));
    if (outcome !== null && !watch) return stop(outcome, 'VALIDATION', message);
  }

  const at = performance.now();
  const body = compiled.template
    ? bodyOf(compiled.template, results.shift() as StepResult)
    : withoutTemplate(compiled.contentType, payload);
  const error = 'error' in body ? body.error : null;
  const ms = body.ms ?? performance.now() - at;
  watch?.(report('TEMPLATE', error === null ? 'OK' : 'FAILED', { input: scope, output: body.text ?? null, message: error, ms }));
  if ('error' in body) return stop('HELD', 'TEMPLATE', body.error);
  return {
    outcome: 'READY',
    body: { text: body.text, contentType: mediaTypeOf(compiled.contentType) },
    queryMs,
    renderMs: performance.now() - started - queryMs,
  };
}

/** Both templates in one go; who watches sees the second whatever comes of the first. */
async function renderAll(engine: Engine, compiled: Compiled, scope: object, isTrial: boolean): Promise<StepResult[]> {
  const { validation, template, contentType, owner, subscriptionId } = compiled;
  const steps: Step[] = [];
  if (validation) steps.push({ ...validation, ask: isTrial ? 'text' : 'gate' });
  if (template) steps.push({ ...template, ask: contentType === 'XML' ? 'text' : 'json' });
  const payer = { tenant: owner.tenant, key: subscriptionId, isTrial };
  const input = { data: JSON.stringify(scope) };
  const rounds = isTrial ? steps.map((step) => [step]) : [steps];
  return (await Promise.all(rounds.map((round) => engine.renderer.render(payer, input, round)))).flat();
}

function report(
  stage: ReportStage,
  outcome: StageReport['outcome'],
  { ms, ...rest }: Pick<StageReport, 'input' | 'output' | 'message'> & { ms: number },
): StageReport {
  return { stage, outcome, ...rest, durationMs: ms };
}

/** `text` beside an error: what was rendered, and can't be used. */
type Rendered = { text: string; ms?: number } | { error: string; text?: string; ms?: number };

/** `outcome` null: it may be sent. */
type Said = { text: string | null; ms: number } & ({ outcome: null; message: null } | { outcome: 'SKIPPED' | 'HELD'; message: string });

function validate(template: Template, result: StepResult): Said {
  const { ms } = result;
  if ('fault' in result) return { outcome: 'HELD', text: null, message: describe(template, result), ms };
  const text = result.text.trim();
  if (text === 'true') return { outcome: null, text, message: null, ms };
  if (text === 'false') return { outcome: 'SKIPPED', text, message: 'The validation template rendered false.', ms };
  return { outcome: 'HELD', text, message: `The validation template rendered ${quote(text)}; it must render true or false.`, ms };
}

function bodyOf(template: Template, result: StepResult): Rendered {
  const { ms } = result;
  if ('fault' in result) return { error: describe(template, result), ms };
  const { text, invalid } = result;
  if (invalid === null) return { text, ms };
  return { error: `The template's result is not valid JSON: ${invalid}. It begins with ${quote(text.trim())}.`, text, ms };
}

function withoutTemplate(contentType: Compiled['contentType'], payload: { data: unknown }): { text: string; ms?: number } {
  return { text: contentType === 'XML' ? renderXml(payload) : JSON.stringify(payload) };
}

/** With the place and a caret, where one is known. @throws TemplateError `busy`: it was not rendered, and is to be later */
function describe({ source }: Template, faulted: Faulted): string {
  const error = toTemplateError(faulted, source);
  if (error.fault === 'busy') throw error;
  const { message, place, frame } = error;
  return place ? `${message.replace(/\.$/, '')} (line ${place.line}, column ${place.column})\n${frame}` : message;
}

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
