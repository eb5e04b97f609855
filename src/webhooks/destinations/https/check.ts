// Checks the URL of an HTTPS destination, and warns about credentials in it.
import type { Problem } from '../../base/errors.js';
import type { Guard } from '../../base/network/guard.js';

export async function checkUrl(url: string, guard: Guard): Promise<Problem[]> {
  const problem = await guard.vetUrl(url);
  return [...(problem ? [problem] : []), ...credentialWarnings(url)];
}

/** Warns about URL parameters that look like secrets: a URL is shown and recorded, a header's value is not. */
function credentialWarnings(url: string): Problem[] {
  const names = URL.canParse(url) ? [...new Set(new URL(url).searchParams.keys())].filter((name) => CREDENTIAL.test(name)) : [];
  return names.map((name) => ({
    field: 'callbackUrl',
    message: `has a parameter ${JSON.stringify(name.slice(0, 64))} that looks like a credential: URLs are shown and recorded. Send credentials in a header, whose value is not recorded`,
    severity: 'warning',
  }));
}

const CREDENTIAL = /(^|[-_.]|api|access|auth|client|shared)(token|key|secret|password|passwd|pwd|auth|credentials?|signature|sig)$/i;
