// A delivery in hand -> the body to send, or why none is sent.
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import { renderTemplate, type Template, TemplateError } from '../base/liquid.js';
import type { Json, Stage } from '../base/model.js';
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
 * @throws Error for a failure of ours.
 */
export async function buildPayload(engine: Engine, compiled: Compiled, subject: PayloadSubject, context: object): Promise<PayloadResult> {
  const started = performance.now();
  const nodeId = engine.host.toGlobalId(subject.typename, subject.nodeKey);
  const answer = compiled.document
    ? await runQuery(engine, compiled.document, context, { nodeId, nodeType: subject.typename })
    : { data: { id: nodeId, url: `${engine.settings.baseUrl}/api/v3/graphql/object/${nodeId}` } };
  const queryMs = performance.now() - started;
  const stop = (outcome: 'SKIPPED' | 'HELD', stage: Stage, message: string): PayloadResult => ({
    outcome,
    stage,
    message,
    queryMs,
    renderMs: performance.now() - started - queryMs,
  });
  if ('refused' in answer) return stop('HELD', 'QUERY', answer.refused);
  const payload = { data: answer.data };

  if (compiled.validation) {
    const verdict = render(compiled.validation, payload);
    if ('error' in verdict) return stop('HELD', 'VALIDATION', verdict.error);
    const said = verdict.text.trim();
    if (said === 'false') return stop('SKIPPED', 'VALIDATION', 'The validation template rendered false.');
    if (said !== 'true')
      return stop('HELD', 'VALIDATION', `The validation template rendered ${quote(said)}; it must render true or false.`);
  }

  const text = renderBody(compiled, payload);
  if ('error' in text) return stop('HELD', 'TEMPLATE', text.error);
  return {
    outcome: 'READY',
    body: { text: text.text, contentType: compiled.contentType === 'XML' ? 'application/xml' : 'application/json' },
    queryMs,
    renderMs: performance.now() - started - queryMs,
  };
}

type Rendered = { text: string } | { error: string };

function renderBody(compiled: Compiled, payload: { data: unknown }): Rendered {
  if (!compiled.template) return { text: compiled.contentType === 'XML' ? renderXml(payload) : JSON.stringify(payload) };
  const body = render(compiled.template, payload);
  if ('error' in body || compiled.contentType === 'XML') return body;
  try {
    JSON.parse(body.text);
    return body;
  } catch (error) {
    return { error: `The template's result is not valid JSON: ${(error as Error).message}. It begins with ${quote(body.text.trim())}.` };
  }
}

function render(template: Template, payload: { data: unknown }): Rendered {
  try {
    return { text: renderTemplate(template, payload as { data: Json }) };
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message };
    throw error;
  }
}

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
