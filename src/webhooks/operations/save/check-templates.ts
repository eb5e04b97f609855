// Checks a definition's templates: syntax errors and exceeded limits are mistakes; failures on sample data, and paths that can't exist, are
// warnings.
import type { DocumentNode } from 'graphql';
import type { Engine } from '../../base/engine.js';
import { type Problem, problemAt } from '../../base/errors.js';
import type { Definition, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import type { Escape, Read, RenderInput, Step } from '../../base/templates/rendering.mjs';
import { INVENTED_NOTIFICATION, inventData, inventEvent, inventLink } from '../../base/templates/template-data.js';
import { missingPaths, type Variables, variablesOfPayload, variablesOfResponse } from './check-paths.js';

type Sources = Pick<Definition, 'validationTemplate' | 'template' | 'errorTemplate' | 'contentType'>;
type Field = 'validationTemplate' | 'template' | 'errorTemplate';
/**
 * Checks the text that a template rendered from sample data, and returns a warning or `null`. `invalid`: why the text is not the JSON or
 * XML that it should be; `null` when it is, or was not checked.
 */
type Doubt = (text: string, invalid: string | null) => string | null;

/**
 * Checks all templates of a definition. `shape`: the query and topic that determine the sample data; `null` when the query has mistakes, so
 * that the templates can only be parsed. `saved`: the definition before the change; a template that stays as it is may have the syntax of
 * earlier versions.
 */
export async function checkTemplates(
  engine: Engine,
  tenant: string,
  sources: Sources,
  shape: { document: DocumentNode | null; topic: Topic | null } | null,
  saved: Sources | null,
): Promise<Problem[]> {
  const { validationTemplate, template, errorTemplate, contentType } = sources;
  if (validationTemplate === null && template === null && errorTemplate === null) return [];
  const { host, settings } = engine;
  const schema = host.schema();
  const topic = shape?.topic ?? null;
  const event = inventEvent(schema, topic && announcedNode(host, topic.typename), topic?.operation ?? 'updated');
  const byDefault = host.defaultPayload === 'ROW' ? (event.after ?? event.before) : inventLink(settings.objectUrl);
  const invented = shape && (shape.document ? inventData(schema, shape.document, topic?.typename ?? '').data : byDefault);
  const payload = shape && { data: JSON.stringify({ data: invented, ...INVENTED_NOTIFICATION, event }) };
  const reply = { reply: { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }, event: JSON.stringify(event) };
  const doubtBody: Doubt = (text, invalid) =>
    invalid === null ? null : `renders invalid ${contentType} for sample data: ${invalid}. The result begins with ${quote(text.trim())}`;
  const known =
    topic && shape ? { payload: variablesOfPayload(engine, topic, shape.document), reply: variablesOfResponse(engine, topic) } : null;
  const checkField = (field: Field, style: Escape, given: Given) =>
    check(engine, tenant, { field, source: sources[field], style, isStored: sources[field] === saved?.[field] }, given);
  const found = await Promise.all([
    checkField('validationTemplate', 'none', {
      input: payload,
      variables: known?.payload ?? null,
      doubt: (text) =>
        /^(true|false)$/.test(text.trim()) ? null : `renders ${quote(text.trim())} for sample data; it must render true or false`,
    }),
    checkField('template', contentType === 'XML' ? 'xml' : 'json', { input: payload, variables: known?.payload ?? null, doubt: doubtBody }),
    checkField('errorTemplate', 'none', { input: reply, variables: known?.reply ?? null, doubt: () => null }),
  ]);
  return found.flat();
}

/** The data for the check of a template. `input`: `null` when the template can only be parsed. `variables`: `null` when unknown. */
interface Given {
  input: RenderInput | null;
  variables: Variables | null;
  doubt: Doubt;
}

async function check(
  engine: Engine,
  tenant: string,
  { field, source, style, isStored }: { field: Field; source: string | null; style: Escape; isStored: boolean },
  { input, variables, doubt }: Given,
): Promise<Problem[]> {
  if (source === null) return [];
  const ask = input === null ? 'parse' : style === 'none' ? 'text' : style;
  const payer = { tenant, key: 'trial', isTrial: true };
  const steps: Step[] = [{ source, style, isStored, ask }];
  if (variables) steps.push({ source, style, isStored, ask: 'reads' });
  const [result, reads] = await engine.renderer.render(payer, input ?? { data: '{}' }, steps);
  if (!result) throw new Error(`The renderer returned no result for ${field}.`);
  const missing = variables && reads && 'text' in reads ? missingPaths(field, source, JSON.parse(reads.text) as Read[], variables) : [];
  if ('text' in result) {
    const message = input && doubt(result.text, result.invalid);
    return message ? [...missing, { field, message, severity: 'warning' }] : missing;
  }
  // A render error on sample data may not occur on real data, so it is a warning. Syntax errors and exceeded limits are mistakes.
  const severity = result.fault === 'render' ? 'warning' : undefined;
  if (result.place) return [...missing, problemAt(field, result.message, source, result.place, severity)];
  return [...missing, { field, message: result.message, ...(severity && { severity }) }];
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
