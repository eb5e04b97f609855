// A reply and the subscription's error template -> what it reads out of it: '' when all is well.
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Watch } from '../base/report.js';
import type { Answer } from './judge.js';

/**
 * @param event its JSON; `null`: no template of the definition reads it
 * @param watch who is told what the template did
 */
export async function readError(engine: Engine, compiled: Compiled, answer: Answer, event: string | null, watch?: Watch): Promise<string> {
  const { errorTemplate, owner, subscriptionId } = compiled;
  if (!errorTemplate || answer.kind === 'NO_REPLY') return '';
  const { status, headers, body } = answer;
  const payer = { tenant: owner.tenant, key: subscriptionId, isTrial: watch !== undefined };
  const input = { reply: { status, headers, body }, ...(event !== null && { event }) };
  const [result] = await engine.renderer.render(payer, input, [{ ...errorTemplate, ask: 'text' }]);
  if (!result) throw new Error('an error template without a result');
  const output = 'text' in result ? result.text : null;
  // One that never came to its turn, too: the request was made, and making it again were worse.
  const read = 'text' in result ? beginningOf(result.text.trim()) : `The error template could not read the answer: ${result.message}`;
  const found = read !== '';
  watch?.({
    stage: 'ERROR_TEMPLATE',
    outcome: found ? 'FAILED' : 'OK',
    input: { status, headers, body: parsed(body), ...(event !== null && { event: parseJson(event) as unknown }) },
    output,
    message: found ? read : null,
    durationMs: result.ms,
  });
  return read;
}

/** Of what an error template writes: a message stands in every list of errors. */
const MAX_READ_LENGTH = 4_096;

function beginningOf(text: string): string {
  // Not half a character.
  return text.length <= MAX_READ_LENGTH ? text : `${text.slice(0, MAX_READ_LENGTH).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** What nests deeper can't be written out again: it is told as the text that it is. */
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
