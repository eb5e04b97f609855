// A delivery in hand -> the body to send, or why none is sent.
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import { renderTemplate, type Template, TemplateError } from '../base/liquid.js';
import type { Json, Stage } from '../base/model.js';
import type { ReportStage, StageReport, Watch } from '../base/report.js';
import { renderXml } from './render-xml.js';
import { runQuery } from './run-query.js';

/** The node that a delivery is about. */
export interface PayloadSubject {
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
 * Runs the query as the owner (`context`), then the validation template, then the body's template.
 * @param watch who tries the definition: then the validation template is told of, and not obeyed
 * @throws Error for a failure of ours.
 */
export async function buildPayload(
  engine: Engine,
  compiled: Compiled,
  subject: PayloadSubject,
  context: object,
  watch?: Watch,
): Promise<PayloadResult> {
  const started = performance.now();
  const nodeId = engine.host.toGlobalId(subject.typename, subject.nodeKey);
  const variables = { nodeId, nodeType: subject.typename };
  const answer = compiled.document
    ? await runQuery(engine, compiled.document, context, variables)
    : { data: { id: nodeId, url: `${engine.settings.baseUrl}/api/v3/graphql/object/${nodeId}` } };
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

  if (compiled.validation) {
    const at = performance.now();
    const said = validate(compiled.validation, payload);
    const { outcome, message } = said;
    watch?.(report('VALIDATION', outcome === 'HELD' ? 'FAILED' : (outcome ?? 'OK'), { input: payload, output: said.text, message, at }));
    if (outcome !== null && !watch) return stop(outcome, 'VALIDATION', message);
  }

  const at = performance.now();
  const body = renderBody(compiled, payload);
  const error = 'error' in body ? body.error : null;
  watch?.(report('TEMPLATE', error === null ? 'OK' : 'FAILED', { input: payload, output: body.text ?? null, message: error, at }));
  if ('error' in body) return stop('HELD', 'TEMPLATE', body.error);
  return {
    outcome: 'READY',
    body: { text: body.text, contentType: compiled.contentType === 'XML' ? 'application/xml' : 'application/json' },
    queryMs,
    renderMs: performance.now() - started - queryMs,
  };
}

function report(
  stage: ReportStage,
  outcome: StageReport['outcome'],
  { at, ...rest }: Pick<StageReport, 'input' | 'output' | 'message'> & { at: number },
): StageReport {
  return { stage, outcome, ...rest, durationMs: performance.now() - at };
}

/** `text` beside an error: what was rendered, and can't be used. */
type Rendered = { text: string } | { error: string; text?: string };

/** `outcome` null: it may be sent. */
type Said = { text: string | null } & ({ outcome: null; message: null } | { outcome: 'SKIPPED' | 'HELD'; message: string });

function validate(template: Template, payload: { data: unknown }): Said {
  const rendered = render(template, payload);
  if ('error' in rendered) return { outcome: 'HELD', text: null, message: rendered.error };
  const text = rendered.text.trim();
  if (text === 'true') return { outcome: null, text, message: null };
  if (text === 'false') return { outcome: 'SKIPPED', text, message: 'The validation template rendered false.' };
  return { outcome: 'HELD', text, message: `The validation template rendered ${quote(text)}; it must render true or false.` };
}

function renderBody(compiled: Compiled, payload: { data: unknown }): Rendered {
  if (!compiled.template) return { text: compiled.contentType === 'XML' ? renderXml(payload) : JSON.stringify(payload) };
  const body = render(compiled.template, payload);
  if ('error' in body || compiled.contentType === 'XML') return body;
  try {
    JSON.parse(body.text);
    return body;
  } catch (error) {
    const why = `The template's result is not valid JSON: ${(error as Error).message}. It begins with ${quote(body.text.trim())}.`;
    return { error: why, text: body.text };
  }
}

function render(template: Template, payload: { data: unknown }): Rendered {
  try {
    return { text: renderTemplate(template, payload as { data: Json }) };
  } catch (error) {
    if (error instanceof TemplateError) return { error: describe(error) };
    throw error;
  }
}

/** With the place and a caret, where one is known. */
function describe({ message, place, frame }: TemplateError): string {
  return place ? `${message.replace(/\.$/, '')} (line ${place.line}, column ${place.column})\n${frame}` : message;
}

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
