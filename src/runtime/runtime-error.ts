// A mistake in how a process was started or where it runs: what it is, and what to do about it.

/** Like the engine's WebhooksError: a stable code, a sentence that names the thing and its value, a hint. */
export class RuntimeError extends Error {
  override name = 'RuntimeError';
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
