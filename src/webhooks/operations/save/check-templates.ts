// Checks a definition's templates: syntax errors and exceeded limits are mistakes, failures on sample data are warnings.
import type { DocumentNode } from 'graphql';
import type { Engine } from '../../base/engine.js';
import { type Problem, problemAt } from '../../base/errors.js';
import type { Definition, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import type { Escape, RenderInput } from '../../base/templates/rendering.mjs';
import { INVENTED_NOTIFICATION, inventData, inventEvent, inventLink } from '../../base/templates/template-data.js';

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
  const checkField = (field: Field, style: Escape, input: RenderInput | null, doubt: Doubt) =>
    check(engine, tenant, { field, source: sources[field], style, isStored: sources[field] === saved?.[field] }, input, doubt);
  const found = await Promise.all([
    checkField('validationTemplate', 'none', payload, (text) =>
      /^(true|false)$/.test(text.trim()) ? null : `renders ${quote(text.trim())} for sample data; it must render true or false`,
    ),
    checkField('template', contentType === 'XML' ? 'xml' : 'json', payload, doubtBody),
    checkField('errorTemplate', 'none', reply, () => null),
  ]);
  return found.flat();
}

async function check(
  engine: Engine,
  tenant: string,
  { field, source, style, isStored }: { field: Field; source: string | null; style: Escape; isStored: boolean },
  input: RenderInput | null,
  doubt: Doubt,
): Promise<Problem[]> {
  if (source === null) return [];
  const ask = input === null ? 'parse' : style === 'none' ? 'text' : style;
  const payer = { tenant, key: 'trial', isTrial: true };
  const [result] = await engine.renderer.render(payer, input ?? { data: '{}' }, [{ source, style, isStored, ask }]);
  if (!result) throw new Error(`The renderer returned no result for ${field}.`);
  if ('text' in result) {
    const message = input && doubt(result.text, result.invalid);
    return message ? [{ field, message, severity: 'warning' }] : [];
  }
  // A render error on sample data may not occur on real data, so it is a warning. Syntax errors and exceeded limits are mistakes.
  const severity = result.fault === 'render' ? 'warning' : undefined;
  if (result.place) return [problemAt(field, result.message, source, result.place, severity)];
  return [{ field, message: result.message, ...(severity && { severity }) }];
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
