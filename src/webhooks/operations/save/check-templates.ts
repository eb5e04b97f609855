// A definition's templates -> syntax mistakes and limits as errors; what goes wrong on invented data as warnings.
import type { DocumentNode } from 'graphql';
import type { Engine } from '../../base/engine.js';
import { type Problem, problemAt } from '../../base/errors.js';
import type { Definition } from '../../base/model.js';
import type { Escape, RenderInput } from '../../base/templates/rendering.mjs';
import { INVENTED_NOTIFICATION, inventData } from '../../base/templates/template-data.js';

type Sources = Pick<Definition, 'validationTemplate' | 'template' | 'errorTemplate' | 'contentType'>;
type Field = 'validationTemplate' | 'template' | 'errorTemplate';
/** What was rendered, and why it is not JSON -> what is doubtful in it. */
type Doubt = (text: string, invalid: string | null) => string | null;

/** `shape`: of the payload; null where the query has mistakes of its own, then templates are parsed only. */
export async function checkTemplates(
  engine: Engine,
  tenant: string,
  sources: Sources,
  shape: { document: DocumentNode | null; typename: string } | null,
): Promise<Problem[]> {
  const { validationTemplate, template, errorTemplate, contentType } = sources;
  if (validationTemplate === null && template === null && errorTemplate === null) return [];
  const payload = shape && {
    data: JSON.stringify({ ...inventData(engine.host.schema(), shape.document, shape.typename), ...INVENTED_NOTIFICATION }),
  };
  const reply = { reply: { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' } };
  const doubtBody: Doubt = (text, invalid) =>
    invalid === null ? null : `renders invalid JSON on invented data: ${invalid}. It begins with ${quote(text.trim())}`;
  const found = await Promise.all([
    check(engine, tenant, 'validationTemplate', validationTemplate, 'none', payload, (text) =>
      /^(true|false)$/.test(text.trim()) ? null : `renders ${quote(text.trim())} on invented data; it must render true or false`,
    ),
    check(engine, tenant, 'template', template, contentType === 'XML' ? 'xml' : 'json', payload, doubtBody),
    check(engine, tenant, 'errorTemplate', errorTemplate, 'none', reply, () => null),
  ]);
  return found.flat();
}

async function check(
  engine: Engine,
  tenant: string,
  field: Field,
  source: string | null,
  style: Escape,
  input: RenderInput | null,
  doubt: Doubt,
): Promise<Problem[]> {
  if (source === null) return [];
  const ask = input === null ? 'parse' : style === 'json' ? 'json' : 'text';
  const payer = { tenant, key: 'trial', isTrial: true };
  const [result] = await engine.renderer.render(payer, input ?? { data: '{}' }, [{ source, style, ask }]);
  if (!result) throw new Error(`the ${field} was tried without a result`);
  if ('text' in result) {
    const message = input && doubt(result.text, result.invalid);
    return message ? [{ field, message, severity: 'warning' }] : [];
  }
  // Real data may do better than invented data; syntax and limits won't.
  const severity = result.fault === 'render' ? 'warning' : undefined;
  if (result.place) return [problemAt(field, result.message, source, result.place, severity)];
  return [{ field, message: result.message, ...(severity && { severity }) }];
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
