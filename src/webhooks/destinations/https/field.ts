// Declares the field `callbackUrl`, the URL that a subscription sends to. Checks the URL, and warns about credentials in it.
import type { Problem } from '../../base/errors.js';
import type { CheckContext, Field } from '../../base/fields/field.js';

export const CALLBACK_URL = {
  name: 'callbackUrl',
  type: { kind: 'TEXT' },
  description: 'The https URL that notifications are posted to. Setting it removes the previous destination.',
  output: { description: 'The URL that notifications are posted to. `null` when they go to another destination.' },
  destination: true,
  option: { flags: '--url <url>', help: 'the https URL that notifications are posted to' },
  check: checkUrl,
} as const satisfies Field;

async function checkUrl(url: string, { engine }: CheckContext): Promise<Problem[]> {
  const problem = await engine.guard.vetUrl(url);
  return [...(problem ? [problem] : []), ...credentialWarnings(url)];
}

const CREDENTIAL = /(^|[-_.]|api|access|auth|client|shared)(token|key|secret|password|passwd|pwd|auth|credentials?|signature|sig)$/i;

/** Warns about URL parameters that look like secrets. URLs are shown and recorded; the values of headers are not. */
function credentialWarnings(url: string): Problem[] {
  const names = URL.canParse(url) ? [...new Set(new URL(url).searchParams.keys())].filter((name) => CREDENTIAL.test(name)) : [];
  return names.map((name) => ({
    field: 'callbackUrl',
    message: `has a parameter ${JSON.stringify(name.slice(0, 64))} that looks like a credential, but URLs are shown and recorded: send credentials in a header, whose value is not recorded`,
    severity: 'warning',
  }));
}
