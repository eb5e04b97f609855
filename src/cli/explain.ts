// Whatever was thrown in, what a person at a terminal needs to read out.

/** A mistake with a code: code, sentence, hint. Anything else is ours: the whole trace. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}\n`;
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  const known = error.name === 'WebhooksError' || error.name === 'RuntimeError';
  if (known) return `${code}: ${error.message}\n${typeof hint === 'string' ? `${hint}\n` : ''}`;
  if (code === 'EADDRINUSE') return `${code}: ${error.message}\nAnother program uses that port: stop it, or set PORT to a free one.\n`;
  if (typeof code === 'string' && error.message) return `${code}: ${error.message}\n${error.stack ?? ''}\n`;
  return `${error.stack ?? error.message}\n`;
}
