// Renders a subscription's error template on a response, to find an error that the status does not show.
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Watch } from '../base/report.js';
import type { Answer } from './judge.js';

/**
 * Returns the error that the template found, or '' when it found none.
 * @param event the event as JSON; `null` when no template of the definition reads it
 * @param watch receives a report of this stage
 */
export async function readError(engine: Engine, compiled: Compiled, answer: Answer, event: string | null, watch?: Watch): Promise<string> {
  const { errorTemplate, owner, subscriptionId } = compiled;
  if (!errorTemplate || answer.kind === 'NO_REPLY') return '';
  const { status, headers, body, flaw } = answer;
  // Doesn't render the template on an incomplete body (`flaw`), which can't show that there was no error. A status other than 2xx is an
  // error even without the template.
  if (flaw !== undefined) return status >= 200 && status <= 299 ? `The receiver answered with status ${status}. ${flaw}` : '';
  const payer = { tenant: owner.tenant, key: subscriptionId, isTrial: watch !== undefined };
  const input = { reply: { status, headers, body }, ...(event !== null && { event }) };
  const [result] = await engine.renderer.render(payer, input, [{ ...errorTemplate, ask: 'text' }]);
  if (!result) throw new Error('The renderer returned no result for an error template.');
  const output = 'text' in result ? result.text : null;
  // A failure to render, even `busy`, counts as a failed attempt: the request was sent, so the attempt must be recorded.
  const read = 'text' in result ? beginningOf(result.text.trim()) : `Rendering the error template failed: ${result.message}`;
  const found = read !== '';
  watch?.({
    stage: 'ERROR_TEMPLATE',
    outcome: found ? 'FAILED' : 'OK',
    input: { status, headers, body: parsed(body), ...(event !== null && { event: parseJson(event) as unknown }) },
    output,
    message: found ? read : null,
    place: 'text' in result ? null : result.place,
    durationMs: result.ms,
  });
  return read;
}

/** Maximum length in characters of an error template's output, which is shown in lists of errors. */
const MAX_READ_LENGTH = 4_096;

function beginningOf(text: string): string {
  // Removes half of a surrogate pair at the end.
  return text.length <= MAX_READ_LENGTH ? text : `${text.slice(0, MAX_READ_LENGTH).replace(/[\ud800-\udbff]$/, '')}…`;
}

/**
 * Maximum nesting of a JSON body that the report of a test shows as JSON. A deeper body is shown as text, because it can't be serialized
 * again.
 */
const MAX_NESTING = 100;

function parsed(body: string): unknown {
  try {
    const value = parseJson(body);
    return isDeeper(value, MAX_NESTING) ? body : value;
  } catch {
    return body;
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1));
}
