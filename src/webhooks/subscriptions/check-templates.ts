// A definition's templates -> syntax mistakes and limits as errors; what goes wrong on invented data as warnings.
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { type Problem, problemAt } from '../base/errors.js';
import { caselessHeaders, type Escape, parseTemplate, renderTemplate, type Template, TemplateError } from '../base/liquid.js';
import type { Definition } from '../base/model.js';
import { inventData } from '../base/template-data.js';

type Sources = Pick<Definition, 'validationTemplate' | 'template' | 'errorTemplate' | 'contentType'>;
type Field = 'validationTemplate' | 'template' | 'errorTemplate';

/** `shape`: of the payload; null where the query has mistakes of its own, then templates are parsed only. */
export function checkTemplates(
  schema: GraphQLSchema,
  sources: Sources,
  shape: { document: DocumentNode | null; typename: string } | null,
): Problem[] {
  const payload = shape && inventData(schema, shape.document, shape.typename);
  const reply = { body: {}, headers: caselessHeaders({ 'content-type': 'application/json' }), status: 200 };
  return [
    ...check('validationTemplate', sources.validationTemplate, 'none', payload, (text) =>
      /^(true|false)$/.test(text.trim()) ? null : `renders ${quote(text.trim())} on invented data; it must render true or false`,
    ),
    ...check('template', sources.template, sources.contentType === 'XML' ? 'xml' : 'json', payload, (text) =>
      sources.contentType === 'XML' ? null : jsonMistake(text),
    ),
    ...check('errorTemplate', sources.errorTemplate, 'none', reply, () => null),
  ];
}

function check(field: Field, source: string | null, style: Escape, data: object | null, doubt: (text: string) => string | null): Problem[] {
  if (source === null) return [];
  try {
    const template: Template = parseTemplate(source, style);
    const message = data && doubt(renderTemplate(template, data));
    return message ? [{ field, message, severity: 'warning' }] : [];
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    // Real data may do better than invented data; syntax and limits won't.
    const severity = error.fault === 'render' ? 'warning' : undefined;
    if (error.place) return [problemAt(field, error.message, source, error.place, severity)];
    return [{ field, message: error.message, ...(severity && { severity }) }];
  }
}

function jsonMistake(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return `renders invalid JSON on invented data: ${(error as Error).message}. It begins with ${quote(text.trim())}`;
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
